//! What `docker buildx ls` says, in JSON where it can (0.13 and newer) and as a table everywhere.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::secrets::{is_secret_name, redacted};
use crate::text;
use crate::wire::{BuilderNode, KeyField};

/// The driver of builders that docker makes for its contexts.
pub(super) const CONTEXT_DRIVER: &str = "docker";

/// A builder as listed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) driver: String,
    /// None when this form of the list does not tell.
    pub(super) selected: Option<bool>,
    pub(super) nodes: Vec<BuilderNode>,
    pub(super) problem: Option<String>,
    /// Whether the engine of a context's builder keeps images in containerd's store; none when it does not tell.
    pub(super) containerd_store: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct JsonBuilder {
    name: String,
    #[serde(default)]
    driver: String,
    current: Option<bool>,
    #[serde(default)]
    nodes: Option<Vec<JsonNode>>,
    err: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct JsonNode {
    name: String,
    endpoint: String,
    driver_opts: Option<BTreeMap<String, String>>,
    status: String,
    version: String,
    err: Option<String>,
    platforms: Option<Vec<String>>,
    labels: Option<BTreeMap<String, String>>,
}

/// Reads `ls --format json`: a builder per line, and once more for each of its nodes.
pub(super) fn from_json(text: &str) -> Option<Vec<Listed>> {
    let mut all: Vec<Listed> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let builder: JsonBuilder = serde_json::from_str(line).ok()?;
        if all.iter().all(|other| other.name != builder.name) {
            all.push(listed(builder));
        }
    }
    Some(all)
}

fn listed(builder: JsonBuilder) -> Listed {
    let nodes: Vec<JsonNode> = builder.nodes.unwrap_or_default();
    let stores: Vec<bool> = nodes
        .iter()
        .filter_map(|node| node.labels.as_ref())
        .map(|labels| labels.contains_key("org.mobyproject.buildkit.worker.snapshotter"))
        .collect();
    let said = |text: Option<String>| {
        text.filter(|text| !text.trim().is_empty())
            .map(|text| text::sentence(text.trim()))
    };
    Listed {
        name: builder.name,
        driver: driver(&builder.driver),
        selected: builder.current,
        // A context that cannot be asked has a node without a name.
        nodes: nodes
            .into_iter()
            .filter(|node| !node.name.is_empty())
            .map(|node| BuilderNode {
                name: node.name,
                endpoint: node.endpoint,
                status: if node.err.is_some() {
                    "error".to_owned()
                } else {
                    node.status
                },
                platforms: node.platforms.unwrap_or_default(),
                buildkit: version(&node.version),
                options: node
                    .driver_opts
                    .unwrap_or_default()
                    .into_iter()
                    .map(|(name, value)| KeyField {
                        value: if is_secret_name(&name) {
                            redacted(&value)
                        } else {
                            value
                        },
                        name,
                    })
                    .collect(),
                problem: said(node.err),
            })
            .collect(),
        problem: said(builder.err),
        containerd_store: (!stores.is_empty()).then(|| stores.iter().all(|containerd| *containerd)),
    }
}

/// A builder without a driver is a context's whose engine could not be asked.
fn driver(name: &str) -> String {
    if name.is_empty() {
        CONTEXT_DRIVER.to_owned()
    } else {
        name.to_owned()
    }
}

/// Some packagers' engines do not know their BuildKit's version.
fn version(text: &str) -> Option<String> {
    (!text.is_empty() && !text.ends_with("+unknown") && text != "n/a").then(|| text.to_owned())
}

/// Reads the table of `ls`; columns stand where the heading has them. What could not be asked is told below it.
pub(super) fn from_table(text: &str) -> Option<Vec<Listed>> {
    let mut lines = text.lines();
    let heading = lines.next()?;
    let place = |name: &str| heading.find(name);
    let (driver_at, status_at) = (place("DRIVER/ENDPOINT")?, place("STATUS")?);
    let platforms_at = place("PLATFORMS")?;
    let buildkit_at = place("BUILDKIT").unwrap_or(platforms_at);
    let mut all: Vec<Listed> = Vec::new();
    for line in lines {
        let column = |from: usize, to: usize| {
            let cell: String = line.chars().skip(from).take(to.saturating_sub(from)).collect();
            cell.trim().to_owned()
        };
        if let Some((name, why)) = failure(line) {
            let name = name.to_owned();
            if let Some(builder) = all.iter_mut().find(|builder| builder.name == name) {
                builder.problem.get_or_insert(text::sentence(why));
            }
            continue;
        }
        if line.trim().is_empty() {
            continue;
        }
        let name = column(0, driver_at);
        let middle = column(driver_at, status_at);
        let status = column(status_at, buildkit_at);
        if !line.starts_with(' ') {
            let bare = name.trim_end_matches('*').trim_end();
            let driver = driver(&middle);
            all.push(Listed {
                selected: Some(bare != name),
                name: bare.to_owned(),
                problem: (status == "error").then(|| "buildx could not load it".to_owned()),
                driver,
                nodes: Vec::new(),
                containerd_store: None,
            });
        } else if let Some(builder) = all.last_mut() {
            let branch = |cell: &str| cell.trim_start_matches("\\_").trim_start().to_owned();
            builder.nodes.push(BuilderNode {
                name: branch(&name),
                endpoint: branch(&middle),
                status,
                platforms: column(platforms_at, usize::MAX)
                    .split(',')
                    .map(|platform| platform.trim().trim_end_matches('*').to_owned())
                    .filter(|platform| !platform.is_empty())
                    .collect(),
                buildkit: version(&column(buildkit_at, platforms_at)),
                options: Vec::new(),
                problem: None,
            });
        }
    }
    // Where a reason follows, "could not load" says nothing more.
    for (name, why) in text.lines().filter_map(failure) {
        if let Some(builder) = all.iter_mut().find(|builder| builder.name == name) {
            builder.problem = Some(text::sentence(why));
        }
    }
    Some(all)
}

/// Reads `Cannot load builder far: why` and `Failed to get status for far (far0): why`.
fn failure(line: &str) -> Option<(&str, &str)> {
    let rest = line
        .strip_prefix("Cannot load builder ")
        .or_else(|| line.strip_prefix("Failed to get status for "))?;
    let (subject, why) = rest.split_once(": ")?;
    Some((subject.split_whitespace().next()?, why.trim()))
}

/// Marks the selected builder of a JSON list that does not tell, from the table.
pub(super) fn mark_selected(listed: &mut [Listed], table: &[Listed]) {
    for builder in listed {
        let same = table.iter().find(|other| other.name == builder.name);
        builder.selected = same.and_then(|same| same.selected);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON_0_13: &str = r#"{"Name":"foo","Driver":"docker-container","LastActivity":"2026-11-21T11:12:28Z","Dynamic":false,"Nodes":[{"Name":"foo0","Endpoint":"unix:///var/run/docker.sock","Flags":["--allow-insecure-entitlement=network.host"],"DriverOpts":{"env.API_TOKEN":"hunter2","env.FOO":"bar"},"Status":"inactive","Platforms":["linux/arm64"]}]}
{"Name":"foo","Driver":"docker-container","LastActivity":"2026-11-21T11:12:28Z","Dynamic":false,"Nodes":[{"Name":"foo0","Endpoint":"unix:///var/run/docker.sock","Status":"inactive","Platforms":["linux/arm64"]}]}
{"Name":"default","Driver":"docker","LastActivity":"0001-01-01T00:00:00Z","Dynamic":false,"Nodes":[{"Name":"default","Endpoint":"default","Status":"running","Version":"v0.0.0+unknown","Platforms":["linux/amd64","linux/amd64/v2"],"Labels":{"org.mobyproject.buildkit.worker.executor":"containerd","org.mobyproject.buildkit.worker.snapshotter":"overlayfs"}}]}
{"Name":"far","Driver":"","LastActivity":"0001-01-01T00:00:00Z","Dynamic":false,"Nodes":[{"Name":"","Endpoint":""}],"Err":"Cannot connect to the Docker daemon at unix:///nope. Is the docker daemon running?"}
"#;

    const TABLE_0_13: &str = "\
NAME/NODE   DRIVER/ENDPOINT                   STATUS     BUILDKIT         PLATFORMS
foo*        docker-container                                              
 \\_ foo0     \\_ unix:///var/run/docker.sock   inactive                    linux/arm64*
default     docker                                                        
 \\_ default  \\_ default                       running    v0.12.5          linux/amd64, linux/amd64/v2
far                                           error                       

Cannot load builder far: Cannot connect to the Docker daemon at unix:///nope. Is the docker daemon running?
";

    const TABLE_0_10: &str = "\
NAME/NODE       DRIVER/ENDPOINT             STATUS   BUILDKIT PLATFORMS
elated_tesla *  docker-container                              
  elated_tesla0 unix:///var/run/docker.sock running  v0.10.6  linux/amd64, linux/386
  elated_tesla1 ssh://ubuntu@1.2.3.4        error             
default         docker                                        
  default       default                     running  20.10.22 linux/amd64
";

    #[test]
    fn json_lists_a_builder_once_with_its_nodes() {
        let all = from_json(JSON_0_13).unwrap();
        let names: Vec<&str> = all.iter().map(|builder| builder.name.as_str()).collect();
        assert_eq!(names, ["foo", "default", "far"], "nodes repeat their builder");
        let foo = &all[0];
        assert_eq!((foo.selected, foo.driver.as_str()), (None, "docker-container"));
        assert_eq!(foo.nodes[0].platforms, ["linux/arm64"]);
        let options: Vec<_> = foo.nodes[0]
            .options
            .iter()
            .map(|o| (o.name.as_str(), o.value.contains("hunter2")))
            .collect();
        assert_eq!(options, [("env.API_TOKEN", false), ("env.FOO", false)]);
        assert_eq!(all[1].containerd_store, Some(true), "it has a snapshotter");
        assert_eq!(all[1].nodes[0].buildkit, None, "an unknown version is none");
        let far = &all[2];
        assert_eq!((far.driver.as_str(), far.nodes.len()), ("docker", 0));
        assert!(far.problem.as_ref().unwrap().contains("Cannot connect"));
    }

    #[test]
    fn newer_json_tells_which_is_selected_and_what_is_wrong_with_a_node() {
        let all = from_json(
            r#"{"Current":true,"Driver":"kubernetes","Dynamic":false,"Name":"kub","Nodes":[{"Name":"kub0","Endpoint":"kubernetes:///kub","Status":"error","Err":"no configuration\nhas been provided"}]}"#,
        )
        .unwrap();
        assert_eq!(all[0].selected, Some(true));
        assert_eq!(all[0].nodes[0].status, "error");
        assert_eq!(
            all[0].nodes[0].problem.as_deref(),
            Some("no configuration has been provided")
        );
        assert_eq!(from_json("unknown flag: --format"), None);
    }

    #[test]
    fn tables_of_two_generations_say_the_same() {
        let new = from_table(TABLE_0_13).unwrap();
        assert_eq!(new.len(), 3);
        assert_eq!((new[0].name.as_str(), new[0].selected), ("foo", Some(true)));
        assert_eq!(new[0].nodes[0].name, "foo0");
        assert_eq!(new[0].nodes[0].endpoint, "unix:///var/run/docker.sock");
        assert_eq!(new[0].nodes[0].platforms, ["linux/arm64"], "without the mark");
        assert_eq!(new[1].nodes[0].buildkit.as_deref(), Some("v0.12.5"));
        assert_eq!(new[2].driver, "docker");
        assert!(new[2].problem.as_ref().unwrap().contains("unix:///nope"));

        let old = from_table(TABLE_0_10).unwrap();
        assert_eq!(
            (old[0].name.as_str(), old[0].selected),
            ("elated_tesla", Some(true))
        );
        assert_eq!(old[0].nodes.len(), 2);
        assert_eq!(old[0].nodes[0].platforms, ["linux/amd64", "linux/386"]);
        assert_eq!(old[0].nodes[1].endpoint, "ssh://ubuntu@1.2.3.4");
        assert_eq!(old[0].nodes[1].status, "error");
        assert_eq!((old[1].name.as_str(), old[1].selected), ("default", Some(false)));
        assert_eq!(from_table("something else"), None);
    }

    #[test]
    fn the_table_completes_a_json_list_that_does_not_tell_the_selected_one() {
        let mut all = from_json(JSON_0_13).unwrap();
        mark_selected(&mut all, &from_table(TABLE_0_13).unwrap());
        let selected: Vec<_> = all.iter().map(|builder| builder.selected).collect();
        assert_eq!(selected, [Some(true), Some(false), Some(false)]);
    }
}
