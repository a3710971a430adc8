//! The datums of a pipeline over commits of its inputs, and their hashes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::combine::{Datums, Leaf, Matched, Part, Shape};
use crate::data::{DataStore, Digest, Root, Tree};
use crate::error::{Error, Result};
use crate::recipe::datum::glob::Glob;
use crate::recipe::datum::input::{Input, Pfs};

/// Most datums that are planned: beyond, nobody waits for the end.
const MOST: usize = 10_000_000;

/// Where the files of an input come from.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Name of the input.
    pub(crate) name: String,
    /// Repository.
    pub(crate) repo: String,
    /// Branch.
    pub(crate) branch: String,
    /// Commit and its files; none while the branch is empty.
    pub(crate) commit: Option<(String, Root)>,
    /// Whether its files are given without their content.
    pub(crate) empty_files: bool,
}

/// The datums of a pipeline and where their files are.
#[derive(Clone, Debug)]
pub(crate) struct Enumerated {
    /// The datums.
    pub(crate) datums: Datums,
    /// By leaf.
    pub(crate) places: Vec<Place>,
}

/// What of a pipeline goes into the hashes of its datums, beside their files.
#[derive(Clone, Debug, Default)]
pub(crate) struct HashedWith {
    /// Name of the pipeline.
    pub(crate) pipeline: String,
    /// Drawn anew when everything is to be processed again.
    pub(crate) salt: String,
    /// Digests that inputs count with whatever they have, by name: code that is only used for new data.
    pub(crate) pinned: BTreeMap<String, Digest>,
}

/// Where a branch stands: its commit and the files of it; none while it is empty.
pub(crate) type Head = Option<(String, Root)>;

/// Lists the datums that inputs give. `head` tells where an input stands.
pub(crate) fn enumerate(
    store: &Arc<DataStore>,
    input: &Input,
    head: &dyn Fn(&str, &str) -> Result<Head>,
) -> Result<Enumerated> {
    let mut leaves = Vec::new();
    let mut places = Vec::new();
    let shape = shape(store, input, head, &mut leaves, &mut places)?;
    let datums = Datums::new(leaves, &shape);
    if datums.len() > MOST {
        return Err(Error::refused(
            format!("the inputs give {} datums, more than {MOST}", datums.len()),
            "let a glob match folders instead of files, or join inputs instead of crossing them",
        ));
    }
    Ok(Enumerated { datums, places })
}

fn shape(
    store: &Arc<DataStore>,
    input: &Input,
    head: &dyn Fn(&str, &str) -> Result<Head>,
    leaves: &mut Vec<Leaf>,
    places: &mut Vec<Place>,
) -> Result<Shape> {
    let mut all = |inputs: &[Input]| {
        inputs
            .iter()
            .map(|input| shape(store, input, head, leaves, places))
            .collect::<Result<Vec<_>>>()
    };
    Ok(match input {
        Input::Union(inputs) => Shape::Union(all(inputs)?),
        Input::Cross(inputs) => Shape::Cross(all(inputs)?),
        Input::Join(inputs) => Shape::Join(all(inputs)?),
        Input::Group(inputs) => Shape::Group(all(inputs)?),
        Input::Pfs(pfs) => {
            let place = Place {
                name: pfs.name.clone(),
                repo: pfs.repo.clone(),
                branch: pfs.branch.clone(),
                commit: head(&pfs.repo, &pfs.branch)?,
                empty_files: pfs.empty_files,
            };
            let files = match &place.commit {
                Some((_, root)) => matched(&Tree::open(store, *root)?, pfs)?,
                None => Vec::new(),
            };
            leaves.push(Leaf {
                name: pfs.name.clone(),
                outer: pfs.outer_join,
                files,
            });
            places.push(place);
            Shape::Leaf(leaves.len() - 1)
        }
        Input::Cron(cron) => {
            let place = Place {
                name: cron.name.clone(),
                repo: cron.repo.clone(),
                branch: "master".to_owned(),
                commit: head(&cron.repo, "master")?,
                empty_files: false,
            };
            let everything = Glob::new("/*").map_err(|error| Error::internal("a glob was refused", error))?;
            let files = match &place.commit {
                Some((_, root)) => globbed(&Tree::open(store, *root)?, &everything, |_| Default::default())?,
                None => Vec::new(),
            };
            leaves.push(Leaf {
                name: cron.name.clone(),
                outer: false,
                files,
            });
            places.push(place);
            Shape::Leaf(leaves.len() - 1)
        }
    })
}

fn matched(tree: &Tree, pfs: &Pfs) -> Result<Vec<Matched>> {
    globbed(tree, &pfs.glob, |path| {
        let expanded = |template: &str| match template.is_empty() {
            true => String::new(),
            false => pfs.glob.expand(path, template).unwrap_or_default(),
        };
        (expanded(&pfs.join_on), expanded(&pfs.group_by))
    })
}

/// A folder that the listing is in.
struct Open {
    path: String,
    matches: bool,
    bytes: u64,
    digest: blake3::Hasher,
}

/// Lists the files and folders that a glob matches, in one pass over the files below its fixed beginning.
fn globbed(tree: &Tree, glob: &Glob, keys: impl Fn(&str) -> (String, String)) -> Result<Vec<Matched>> {
    let mut found = Vec::new();
    let add = |found: &mut Vec<Matched>, path: &str, bytes, digest| {
        let (join_on, group_by) = keys(path);
        found.push(Matched {
            path: path.to_owned(),
            bytes,
            digest,
            join_on,
            group_by,
        });
    };
    let open = |path: &str| Open {
        matches: glob.matches(path),
        path: path.to_owned(),
        bytes: 0,
        digest: blake3::Hasher::new(),
    };
    let mut folders: Vec<Open> = Vec::new();
    for file in tree.files(glob.prefix())? {
        let file = file?;
        let is_in = |folder: &Open| match folder.path.as_str() {
            "/" => true,
            path => file
                .path
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('/')),
        };
        while let Some(last) = folders.pop_if(|folder| !is_in(folder)) {
            if last.matches {
                add(
                    &mut found,
                    &last.path,
                    last.bytes,
                    *last.digest.finalize().as_bytes(),
                );
            }
        }
        if folders.is_empty() {
            folders.push(open("/"));
        }
        let begun = folders.last().map_or(1, |folder| folder.path.len().max(1));
        let begun = if begun == 1 { 1 } else { begun + 1 };
        for (end, _) in file.path[begun..].match_indices('/') {
            folders.push(open(&file.path[..begun + end]));
        }
        for folder in folders.iter_mut().filter(|folder| folder.matches) {
            folder.bytes += file.content.bytes;
            let below = &file.path[folder.path.len()..];
            folder.digest.update(&(below.len() as u64).to_le_bytes());
            folder.digest.update(below.as_bytes());
            folder.digest.update(&file.content.digest.0);
        }
        if glob.matches(&file.path) {
            add(&mut found, &file.path, file.content.bytes, file.content.digest.0);
        }
    }
    for last in folders.into_iter().rev().filter(|folder| folder.matches) {
        add(
            &mut found,
            &last.path,
            last.bytes,
            *last.digest.finalize().as_bytes(),
        );
    }
    Ok(found)
}

impl Enumerated {
    /// Returns the hash of a datum: equal ones have equal results.
    pub(crate) fn hash(&self, place: usize, with: &HashedWith) -> Digest {
        let mut hasher = blake3::Hasher::new();
        let mut add = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        add(with.pipeline.as_bytes());
        add(with.salt.as_bytes());
        for part in self.datums.parts(place) {
            let name = &self.datums.leaves()[part.0].name;
            let file = self.datums.file(part);
            add(name.as_bytes());
            add(file.path.as_bytes());
            add(with.pinned.get(name).map_or(&file.digest, |digest| &digest.0));
        }
        Digest(*hasher.finalize().as_bytes())
    }

    /// Returns the hashes of all datums, by place.
    pub(crate) fn hashes(&self, with: &HashedWith) -> Vec<Digest> {
        (0..self.datums.len())
            .map(|place| self.hash(place, with))
            .collect()
    }

    /// Returns the size of what a datum reads.
    pub(crate) fn bytes(&self, place: usize) -> u64 {
        let parts = self.datums.parts(place);
        parts
            .iter()
            .map(|part: &Part| self.datums.file(*part).bytes)
            .sum()
    }

    /// Returns what inputs that are one whole repository each stand at, by name: their digests as datums count them.
    pub(crate) fn whole(&self, names: &[&str]) -> BTreeMap<String, Digest> {
        let leaves = self.datums.leaves().iter();
        leaves
            .filter(|leaf| names.contains(&leaf.name.as_str()))
            .filter_map(|leaf| Some((leaf.name.clone(), Digest(leaf.files.first()?.digest))))
            .collect()
    }
}
