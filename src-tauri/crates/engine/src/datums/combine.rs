//! Datums out of the files that inputs match: union, cross, join and group. Knows no store; products are never written out.

use std::collections::{BTreeMap, HashMap};

/// A file or folder that matches an input's glob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// Path, beginning with `/`.
    pub path: String,
    /// Size.
    pub bytes: u64,
    /// Digest of the content.
    pub digest: [u8; 32],
    /// Expanded `join_on`.
    pub join_on: String,
    /// Expanded `group_by`.
    pub group_by: String,
}

/// An input and what it matches, in the order of its datums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaf {
    /// Name: its folder below `/pfs`.
    pub name: String,
    /// Whether its files survive a join without a partner.
    pub outer: bool,
    /// What it matches.
    pub files: Vec<Matched>,
}

/// How inputs are combined; leaves by their place in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One input.
    Leaf(usize),
    /// The datums of one after those of the other.
    Union(Vec<Shape>),
    /// Every datum of one with every datum of the others.
    Cross(Vec<Shape>),
    /// Those with equal keys with each other.
    Join(Vec<Shape>),
    /// All with one key together.
    Group(Vec<Shape>),
}

/// A file of a datum: the place of its input, and its place there.
pub type Part = (usize, usize);

/// The datums of a pipeline, in order.
#[derive(Clone, Debug)]
pub struct Datums {
    leaves: Vec<Leaf>,
    root: Node,
}

#[derive(Clone, Debug)]
enum Node {
    Leaf {
        leaf: usize,
        len: usize,
    },
    Union(Vec<Node>),
    Cross(Vec<Node>),
    Listed(Vec<Vec<Part>>),
    /// One product per key.
    Products {
        products: Vec<Vec<Vec<Part>>>,
        ends: Vec<usize>,
    },
}

impl Datums {
    /// Combines what inputs match. Files of a leaf are put into the order of datums: larger ones first, then by path.
    pub fn new(mut leaves: Vec<Leaf>, shape: &Shape) -> Self {
        for leaf in &mut leaves {
            leaf.files
                .sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
        }
        let root = Node::new(&leaves, shape);
        Self { leaves, root }
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.root.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the inputs.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Returns the files of a datum, those of equally named inputs side by side, inputs by name.
    pub fn parts(&self, place: usize) -> Vec<Part> {
        let mut parts = Vec::new();
        self.root.parts(place, &mut parts);
        parts.sort_by(|a, b| self.leaves[a.0].name.cmp(&self.leaves[b.0].name));
        parts
    }

    /// Returns a file.
    pub fn file(&self, part: Part) -> &Matched {
        &self.leaves[part.0].files[part.1]
    }
}

impl Node {
    fn new(leaves: &[Leaf], shape: &Shape) -> Self {
        let all = |shapes: &[Shape]| shapes.iter().map(|shape| Self::new(leaves, shape)).collect();
        match shape {
            Shape::Leaf(leaf) => Self::Leaf {
                leaf: *leaf,
                len: leaves[*leaf].files.len(),
            },
            Shape::Union(shapes) => Self::Union(all(shapes)),
            Shape::Cross(shapes) => Self::Cross(all(shapes)),
            Shape::Join(shapes) => joined(leaves, &all(shapes)),
            Shape::Group(shapes) => grouped(leaves, &all(shapes)),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Leaf { len, .. } => *len,
            Self::Union(nodes) => nodes.iter().map(Self::len).fold(0, usize::saturating_add),
            Self::Cross(nodes) if nodes.is_empty() => 0,
            Self::Cross(nodes) => nodes.iter().map(Self::len).fold(1, usize::saturating_mul),
            Self::Listed(datums) => datums.len(),
            Self::Products { ends, .. } => ends.last().copied().unwrap_or(0),
        }
    }

    fn parts(&self, mut place: usize, into: &mut Vec<Part>) {
        match self {
            Self::Leaf { leaf, .. } => into.push((*leaf, place)),
            Self::Union(nodes) => {
                for node in nodes {
                    let len = node.len();
                    if place < len {
                        return node.parts(place, into);
                    }
                    place -= len;
                }
            }
            // The first varies fastest.
            Self::Cross(nodes) => {
                for node in nodes {
                    let len = node.len();
                    node.parts(place % len, into);
                    place /= len;
                }
            }
            Self::Listed(datums) => into.extend(&datums[place]),
            Self::Products { products, ends } => {
                let at = ends.partition_point(|end| *end <= place);
                let mut place = place - at.checked_sub(1).map_or(0, |before| ends[before]);
                for members in &products[at] {
                    into.push(members[place % members.len()]);
                    place /= members.len();
                }
            }
        }
    }

    /// Calls with every file of every datum, in order.
    fn each(&self, mut take: impl FnMut(Part)) {
        let mut parts = Vec::new();
        for place in 0..self.len() {
            parts.clear();
            self.parts(place, &mut parts);
            parts.iter().for_each(|part| take(*part));
        }
    }
}

/// Joins members by the key of their files; keys keep the order in which they are first seen.
fn joined(leaves: &[Leaf], members: &[Node]) -> Node {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut keyed: Vec<Vec<Vec<Part>>> = Vec::new();
    for (number, member) in members.iter().enumerate() {
        member.each(|part| {
            let key = leaves[part.0].files[part.1].join_on.as_str();
            let place = *places.entry(key).or_insert_with(|| {
                keyed.push(vec![Vec::new(); members.len()]);
                keyed.len() - 1
            });
            keyed[place][number].push(part);
        });
    }
    let is_outer = |parts: &Vec<Part>| parts.first().is_some_and(|part| leaves[part.0].outer);
    let mut products = Vec::new();
    let mut ends = Vec::new();
    let mut end = 0_usize;
    for mut product in keyed {
        if product.iter().any(Vec::is_empty) {
            product.retain(is_outer);
        }
        let len = match product.is_empty() {
            true => 0,
            false => product.iter().map(Vec::len).fold(1, usize::saturating_mul),
        };
        if len > 0 {
            end = end.saturating_add(len);
            products.push(product);
            ends.push(end);
        }
    }
    Node::Products { products, ends }
}

/// Groups the files of members by their key; keys are sorted.
fn grouped(leaves: &[Leaf], members: &[Node]) -> Node {
    let mut groups: BTreeMap<&str, Vec<Part>> = BTreeMap::new();
    for member in members {
        member.each(|part| {
            let key = leaves[part.0].files[part.1].group_by.as_str();
            groups.entry(key).or_default().push(part);
        });
    }
    Node::Listed(groups.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(name: &str, files: &[(&str, u64)]) -> Leaf {
        let files = files.iter().map(|(path, bytes)| Matched {
            path: (*path).to_owned(),
            bytes: *bytes,
            digest: [0; 32],
            join_on: path.trim_start_matches('/').to_owned(),
            group_by: path.chars().nth(1).map(String::from).unwrap_or_default(),
        });
        Leaf {
            name: name.to_owned(),
            outer: false,
            files: files.collect(),
        }
    }

    fn drawn(datums: &Datums) -> Vec<String> {
        let one = |place| {
            let parts = datums.parts(place);
            let named = parts
                .iter()
                .map(|part| format!("{}{}", datums.leaves()[part.0].name, datums.file(*part).path));
            named.collect::<Vec<_>>().join(" ")
        };
        (0..datums.len()).map(one).collect()
    }

    #[test]
    fn larger_files_come_first_and_the_first_input_of_a_cross_varies_fastest() {
        let leaves = vec![
            leaf("b", &[("/x", 1), ("/y", 2)]),
            leaf("a", &[("/1", 0), ("/2", 0)]),
        ];
        let cross = Shape::Cross(vec![Shape::Leaf(0), Shape::Leaf(1)]);
        let datums = Datums::new(leaves, &cross);
        assert_eq!(drawn(&datums), ["a/1 b/y", "a/1 b/x", "a/2 b/y", "a/2 b/x"]);
    }

    #[test]
    fn an_empty_member_makes_a_cross_empty() {
        let leaves = vec![leaf("a", &[("/1", 0)]), leaf("b", &[])];
        let cross = Shape::Cross(vec![Shape::Leaf(0), Shape::Leaf(1)]);
        assert!(Datums::new(leaves, &cross).is_empty());
    }

    #[test]
    fn what_has_no_partner_survives_an_outer_join() {
        let mut left = leaf("a", &[("/1", 0), ("/2", 0)]);
        left.outer = true;
        let leaves = vec![left, leaf("b", &[("/2", 0), ("/3", 0)])];
        let join = Shape::Join(vec![Shape::Leaf(0), Shape::Leaf(1)]);
        assert_eq!(drawn(&Datums::new(leaves, &join)), ["a/1", "a/2 b/2"]);
    }

    #[test]
    fn a_group_has_all_files_of_a_key() {
        let leaves = vec![leaf("a", &[("/21", 0), ("/11", 0)]), leaf("b", &[("/12", 0)])];
        let group = Shape::Group(vec![Shape::Leaf(0), Shape::Leaf(1)]);
        let union = Shape::Union(vec![group, Shape::Leaf(1)]);
        assert_eq!(drawn(&Datums::new(leaves, &union)), ["a/11 b/12", "a/21", "b/12"]);
    }

    #[test]
    fn a_product_of_a_hundred_thousand_takes_the_room_of_its_inputs() {
        let names: Vec<String> = (0..400).map(|n| format!("/{n:03}")).collect();
        let files: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
        let leaves = vec![leaf("a", &files), leaf("b", &files)];
        let datums = Datums::new(leaves, &Shape::Cross(vec![Shape::Leaf(0), Shape::Leaf(1)]));
        assert_eq!(datums.len(), 160_000);
        assert_eq!(datums.parts(159_999), [(0, 399), (1, 399)]);
    }
}
