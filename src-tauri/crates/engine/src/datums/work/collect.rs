//! What datums wrote, on its way into the store. Nothing of it leads out: links are followed within a datum's own outputs
//! and inputs, and everything else that is no file fails the datum.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::{Component, Path};
use std::sync::Arc;

use tar::{Archive, EntryType};

use super::script::{OUT, PFS};
use crate::data::{Content, DataStore, Root, Tree, TreeWriter, Writing, path_order};
use crate::datums::enumerate::Enumerated;
use crate::error::{Error, Result};

/// What one datum wrote.
#[derive(Clone, Debug)]
pub(super) struct Output {
    /// Its files, kept.
    pub(super) root: Root,
    /// Their sizes together.
    pub(super) bytes: u64,
}

/// Outputs by place, or why they cannot be used.
pub(super) type Outputs = HashMap<usize, std::result::Result<Output, String>>;

/// Files and links of one datum as they come.
#[derive(Default)]
struct Written {
    files: BTreeMap<String, Content>,
    /// Path and what it leads to.
    links: Vec<(String, String)>,
    trouble: Option<String>,
}

/// Reads the outputs of a batch from a tar whose paths begin with the batch's folder, and keeps their files.
pub(super) fn read(
    writing: &Writing,
    all: &Enumerated,
    batch: &str,
    places: &[usize],
    tar: impl Read,
) -> Result<Outputs> {
    let mut written: HashMap<usize, Written> =
        places.iter().map(|place| (*place, Written::default())).collect();
    let broken = |error: std::io::Error| Error::internal("outputs could not be read from the engine", error);
    let mut tar = Archive::new(tar);
    for entry in tar.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let kind = entry.header().entry_type();
        let name = entry.path_bytes().into_owned();
        let Some((place, path)) = inside(&name, batch) else {
            continue;
        };
        let Some(datum) = written.get_mut(&place) else {
            continue;
        };
        if path.is_empty() || kind == EntryType::Directory {
            continue;
        }
        let Ok(path) = String::from_utf8(path.to_vec()) else {
            let shown = String::from_utf8_lossy(path).into_owned();
            datum.trouble = Some(format!("the output {shown} has a name that is not UTF-8"));
            continue;
        };
        let target = entry
            .link_name_bytes()
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let content = writing.write_content(&mut entry)?;
                datum.files.insert(path, content);
            }
            EntryType::Symlink => datum.links.push((path, target.unwrap_or_default())),
            EntryType::Link => {
                let own = target
                    .as_deref()
                    .and_then(|target| inside(target.as_bytes(), batch));
                let content = own
                    .filter(|(other, _)| *other == place)
                    .and_then(|(_, other)| datum.files.get(std::str::from_utf8(other).ok()?));
                match content.cloned() {
                    Some(content) => drop(datum.files.insert(path, content)),
                    None => datum.trouble = Some(format!("the output {path} is a link to something else")),
                }
            }
            _ => {
                datum.trouble = Some(format!(
                    "the output {path} is no file; pipes and devices cannot be kept"
                ))
            }
        }
    }
    written
        .into_iter()
        .map(|(place, datum)| Ok((place, datum.kept(writing, all, batch, place)?)))
        .collect()
}

/// Returns the datum's place and the path below its folder.
fn inside<'a>(name: &'a [u8], batch: &str) -> Option<(usize, &'a [u8])> {
    let rest = name.strip_prefix(b"./").unwrap_or(name);
    let rest = rest.strip_prefix(batch.as_bytes())?.strip_prefix(b"/")?;
    let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    let place = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
    Some((place, &rest[end..]))
}

impl Written {
    /// Keeps the tree of its files, with links replaced by what they lead to.
    fn kept(
        mut self,
        writing: &Writing,
        all: &Enumerated,
        batch: &str,
        place: usize,
    ) -> Result<std::result::Result<Output, String>> {
        self.follow(writing.store(), all, batch, place)?;
        if let Some(trouble) = self.trouble {
            return Ok(Err(trouble));
        }
        let mut files: Vec<(String, Content)> = self.files.into_iter().collect();
        files.sort_by(|(a, _), (b, _)| path_order(a, b));
        let bytes = files.iter().map(|(_, content)| content.bytes).sum();
        let mut tree = TreeWriter::new(writing);
        for (path, content) in files {
            tree.push(&path, content)?;
        }
        Ok(Ok(Output {
            root: tree.finish()?,
            bytes,
        }))
    }
}

impl Written {
    /// Replaces links by what they lead to, those first that others lead through.
    fn follow(&mut self, store: &Arc<DataStore>, all: &Enumerated, batch: &str, place: usize) -> Result<()> {
        let own = format!("{OUT}/{batch}/{place}");
        let mut pending: BTreeMap<String, (String, Leads)> = BTreeMap::new();
        for (path, target) in std::mem::take(&mut self.links) {
            let Some(leads) = resolved(&path, &target, &own) else {
                return self.fails(
                    &path,
                    &target,
                    &format!("which leads out of {PFS}; copy the file instead"),
                );
            };
            pending.insert(path, (target, leads));
        }
        while self.trouble.is_none() && !pending.is_empty() {
            let free = |(path, (_, leads)): (&String, &(String, Leads))| match leads {
                Leads::Out(other) if is_link(&pending, other) => None,
                _ => Some(path.clone()),
            };
            let ready: Vec<String> = pending.iter().filter_map(free).collect();
            if ready.is_empty()
                && let Some((path, (target, _))) = pending.first_key_value()
            {
                return self.fails(path, target, "which leads back to itself");
            }
            for path in ready {
                let Some((target, leads)) = pending.remove(&path) else {
                    continue;
                };
                let (found, missing) = match leads {
                    Leads::Out(other) => (below(&self.files, &other), "which is not there"),
                    Leads::Input(name, other) => (
                        of_input(store, all, place, &name, &other)?,
                        "which is no input of this datum",
                    ),
                };
                if found.is_empty() {
                    return self.fails(&path, &target, missing);
                }
                let named = |(rest, content)| (format!("{path}{rest}"), content);
                self.files.extend(found.into_iter().map(named));
            }
        }
        Ok(())
    }

    fn fails(&mut self, path: &str, target: &str, why: &str) -> Result<()> {
        self.trouble = Some(format!("the output {path} is a link to {target}, {why}"));
        Ok(())
    }
}

/// Returns whether what is at a path depends on links: it is one, one is on the way to it, or it has some.
fn is_link<T>(links: &BTreeMap<String, T>, path: &str) -> bool {
    let folder = format!("{path}/");
    let mut ends = path.match_indices('/').map(|(at, _)| at).skip(1);
    links.contains_key(path)
        || ends.any(|at| links.contains_key(&path[..at]))
        || links
            .range(folder.clone()..)
            .next()
            .is_some_and(|(inner, _)| inner.starts_with(&folder))
}

/// Where a link leads.
enum Leads {
    /// To another output.
    Out(String),
    /// Into an input: its name, and the path in it.
    Input(String, String),
}

/// Follows a link of an output by its words alone.
fn resolved(path: &str, target: &str, own: &str) -> Option<Leads> {
    let from = Path::new(PFS).join("out").join(path.trim_start_matches('/'));
    let whole = match target.strip_prefix(own) {
        Some(rest) => Path::new(PFS).join("out").join(rest.trim_start_matches('/')),
        None => from.parent()?.join(target),
    };
    let mut parts: Vec<&str> = Vec::new();
    for component in whole.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir => drop(parts.pop()?),
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::Prefix(_) => return None,
        }
    }
    let below = parts.strip_prefix(&[PFS.trim_start_matches('/')][..])?;
    let (name, rest) = below.split_first()?;
    let rest: String = rest.iter().flat_map(|part| ["/", part]).collect();
    Some(match *name {
        "out" => Leads::Out(rest),
        name => Leads::Input(name.to_owned(), rest),
    })
}

/// Returns a file, or the files of a folder, with what stands behind the path.
fn below(files: &BTreeMap<String, Content>, path: &str) -> Vec<(String, Content)> {
    let rest = |file: &str| match file.strip_prefix(path)? {
        rest if rest.is_empty() || rest.starts_with('/') => Some(rest.to_owned()),
        _ => None,
    };
    files
        .iter()
        .filter_map(|(file, content)| Some((rest(file)?, content.clone())))
        .collect()
}

/// Returns what a datum reads below a path of one of its inputs.
fn of_input(
    store: &Arc<DataStore>,
    all: &Enumerated,
    place: usize,
    name: &str,
    path: &str,
) -> Result<Vec<(String, Content)>> {
    let mut found = Vec::new();
    for part in all.datums.parts(place) {
        let from = &all.places[part.0];
        let Some((_, root)) = from.commit.as_ref().filter(|_| from.name == name) else {
            continue;
        };
        for file in Tree::open(store, *root)?.files(&all.datums.file(part).path)? {
            let file = file?;
            if let Some(rest) = file.path.strip_prefix(path)
                && (rest.is_empty() || rest.starts_with('/'))
            {
                found.push((rest.to_owned(), file.content));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_within_pfs_only() {
        let lead = |path: &str, target: &str| match resolved(path, target, "/headstart/out/b1/7") {
            Some(Leads::Out(path)) => format!("out {path}"),
            Some(Leads::Input(name, path)) => format!("{name} {path}"),
            None => "nowhere".to_owned(),
        };
        assert_eq!(lead("/a", "b"), "out /b");
        assert_eq!(lead("/d/a", "../b/c"), "out /b/c");
        assert_eq!(lead("/a", "/pfs/in/x/y"), "in /x/y");
        assert_eq!(lead("/a", "/headstart/out/b1/7/x"), "out /x");
        assert_eq!(lead("/a", "/etc/passwd"), "nowhere");
        assert_eq!(lead("/a", "../../../etc/passwd"), "nowhere");
        assert_eq!(lead("/a", "../../../../../etc"), "nowhere");
        assert_eq!(lead("/a", "/headstart/out/b1/8/x"), "nowhere");
        assert_eq!(lead("/a", "/pfs"), "nowhere");
    }
}
