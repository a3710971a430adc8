//! Datums on their way into the workers' volume: each distinct set of input files once, and what a worker reads before
//! each datum.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use tar::{Builder, EntryType, Header};

use super::script::{PFS, datum, is_variable};
use crate::data::{DataStore, Tree};
use crate::datums::combine::Part;
use crate::datums::enumerate::Enumerated;
use crate::error::Result;

/// Every file's time: archives that Python makes of them cannot hold earlier ones than 1980.
const MTIME: u64 = 946_684_800;

/// Input files that were brought already and stay for the datums to come, and those that many datums read.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Folder below the volume, by the files.
    brought: HashMap<Vec<Part>, String>,
    /// How many datums read each file, by input and place.
    uses: Vec<Vec<u32>>,
}

/// Datums that are brought together.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// Its folder in the volumes.
    pub(super) folder: String,
    /// Places of its datums.
    pub(super) places: Vec<usize>,
}

/// What of a batch has to be brought: folders with the files that go there, and the script of each datum.
pub(super) struct Load {
    units: Vec<(String, Vec<Part>)>,
    scripts: Vec<(String, String)>,
}

impl Shared {
    /// Counts how many of the datums at these places read each file.
    pub(super) fn count(&mut self, all: &Enumerated, places: &[usize]) {
        if self.uses.is_empty() {
            let leaves = all.datums.leaves().iter();
            self.uses = leaves.map(|leaf| vec![0; leaf.files.len()]).collect();
        }
        for place in places {
            for (leaf, file) in all.datums.parts(*place) {
                self.uses[leaf][file] = self.uses[leaf][file].saturating_add(1);
            }
        }
    }

    /// Says what a batch needs that is not there yet.
    pub(super) fn load(
        &mut self,
        all: &Enumerated,
        batch: &Batch,
        job: &[(String, String)],
        hash: impl Fn(usize) -> String,
    ) -> Load {
        let mut units = Vec::new();
        let mut scripts = Vec::new();
        for place in &batch.places {
            let mut inputs: Vec<(String, Vec<Part>)> = Vec::new();
            for part in all.datums.parts(*place) {
                let name = &all.datums.leaves()[part.0].name;
                match inputs.last_mut().filter(|(last, _)| last == name) {
                    Some((_, parts)) => parts.push(part),
                    None => inputs.push((name.clone(), vec![part])),
                }
            }
            let mut variables = job.to_vec();
            variables.push(("PACH_DATUM_ID".to_owned(), hash(*place)));
            let mut links = Vec::new();
            for (number, (name, parts)) in inputs.into_iter().enumerate() {
                if is_variable(&name)
                    && let Some(part) = parts.first()
                {
                    let path = &all.datums.file(*part).path;
                    variables.push((
                        name.clone(),
                        format!("{PFS}/{name}{}", path.trim_end_matches('/')),
                    ));
                    if let Some((commit, _)) = &all.places[part.0].commit {
                        variables.push((format!("{name}_COMMIT"), commit.clone()));
                    }
                }
                let is_shared = parts.iter().any(|(leaf, file)| self.uses[*leaf][*file] > 1);
                let folder = match (is_shared, self.brought.get(&parts)) {
                    (true, Some(folder)) => folder.clone(),
                    (true, None) => {
                        let folder = format!("shared/{}", self.brought.len());
                        self.brought.insert(parts.clone(), folder.clone());
                        units.push((folder.clone(), parts));
                        folder
                    }
                    (false, _) => {
                        let folder = format!("{}/{place}.{number}", batch.folder);
                        units.push((folder.clone(), parts));
                        folder
                    }
                };
                links.push((name, folder));
            }
            scripts.push((format!("{}/{place}.sh", batch.folder), datum(&links, &variables)));
        }
        Load { units, scripts }
    }
}

impl Load {
    /// Writes all of it as a tar.
    pub(super) fn write(&self, store: &Arc<DataStore>, all: &Enumerated, out: impl Write) -> Result<()> {
        let mut tar = Builder::new(out);
        for (folder, parts) in &self.units {
            add_folder(&mut tar, folder).map_err(failed)?;
            for part in parts {
                let place = &all.places[part.0];
                let Some((_, root)) = &place.commit else { continue };
                for file in Tree::open(store, *root)?.files(&all.datums.file(*part).path)? {
                    let file = file?;
                    let path = format!("{folder}{}", file.path);
                    let bytes = if place.empty_files { 0 } else { file.content.bytes };
                    let content = store.read_content(&file.content)?;
                    add_file(&mut tar, &path, bytes, &mut io::Read::take(content, bytes)).map_err(failed)?;
                }
            }
        }
        for (path, text) in &self.scripts {
            add_file(&mut tar, path, text.len() as u64, &mut text.as_bytes()).map_err(failed)?;
        }
        tar.into_inner().and_then(|mut out| out.flush()).map_err(failed)
    }
}

/// Adds a file that everybody may read and start.
pub(super) fn add_file(
    tar: &mut Builder<impl Write>,
    path: &str,
    bytes: u64,
    content: &mut dyn io::Read,
) -> io::Result<()> {
    let mut header = header(EntryType::Regular, 0o755);
    header.set_size(bytes);
    tar.append_data(&mut header, path, content)
}

fn add_folder(tar: &mut Builder<impl Write>, path: &str) -> io::Result<()> {
    let mut header = header(EntryType::Directory, 0o755);
    header.set_size(0);
    tar.append_data(&mut header, format!("{path}/"), io::empty())
}

fn header(kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(MTIME);
    header
}

fn failed(error: io::Error) -> crate::error::Error {
    crate::error::Error::internal("input files could not be sent to the engine", error)
}
