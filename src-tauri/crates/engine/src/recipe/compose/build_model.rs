//! What a compose project's build gives to bake and to the deployment.

use serde_json::{Map, Value, json};

use super::caches::{Branches, Caches, Scheme};
use super::reference::{Collision, ImageName, Owner, check_unique, names_registry};
use super::registry::Registry;
use super::tags;

/// Arguments of `docker compose` that deploy a project: what is built was built before.
pub const DEPLOY_ARGS: [&str; 4] = ["up", "-d", "--remove-orphans", "--no-build"];

/// A service of a resolved compose model (`docker compose config --format json`).
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// The image its file names.
    pub image: Option<String>,
    /// Its build section, a map or the path of a context; none for a service that only runs an image.
    pub build: Option<Value>,
}

/// How images are built, and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Where images are pushed to; none loads them into the engine.
    pub registry: Option<Registry>,
    /// Whether the registry is a cache too.
    pub registry_cache: bool,
    /// Whether GitHub's cache is used too.
    pub github_cache: bool,
    /// Whether steps are taken from a cache at all.
    pub no_cache: bool,
    /// The buildx builder; none for the selected one.
    pub builder: Option<String>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            registry: None,
            registry_cache: true,
            github_cache: false,
            no_cache: false,
            builder: None,
        }
    }
}

/// What a build model is made for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The compose project's name.
    pub project: &'a str,
    /// Its services.
    pub services: &'a [Service],
    /// How to build.
    pub spec: &'a Spec,
    /// Where caches are kept.
    pub scheme: Scheme,
    /// What image names begin with.
    pub prefix: &'a str,
    /// Tag of what is built, see [`tags::tag`].
    pub tag: &'a str,
    /// The branches it stands on.
    pub branches: &'a Branches,
}

/// A service that is built.
#[derive(Clone, Debug, PartialEq)]
pub struct BuiltService {
    /// Its name.
    pub name: String,
    /// What is deployed, always one of the tags.
    pub reference: String,
    /// References of the image, the user's own first.
    pub tags: Vec<String>,
    /// Where layers are looked for and exported to, the user's own first.
    pub caches: Caches,
    /// The build section with tags and caches.
    pub build: Value,
}

/// The services of a project that are built, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BuildModel {
    /// They; when there are none bake must not be started, it fails without a target.
    pub services: Vec<BuiltService>,
    /// What the user may not expect, one sentence each.
    pub warnings: Vec<String>,
}

impl BuildModel {
    /// Returns the build model of a request. Nothing is removed from what the user wrote, and the input stays as it is.
    pub fn generate(request: &Request<'_>) -> Result<Self, Collision> {
        let owner = |service: &Service| Owner {
            project: request.project.to_owned(),
            service: service.name.clone(),
        };
        let built: Vec<&Service> = request
            .services
            .iter()
            .filter(|service| is_built(service))
            .collect();
        let owners: Vec<Owner> = built.iter().map(|service| owner(service)).collect();
        check_unique(request.prefix, &owners, request.spec.registry.as_ref())?;
        let mut model = Self::default();
        for (service, owner) in built.into_iter().zip(&owners) {
            let built = one(
                request,
                service,
                &ImageName::new(request.prefix, owner),
                &mut model.warnings,
            );
            model.services.push(built);
        }
        Ok(model)
    }

    /// Returns whether there is nothing to build.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// Returns the compose file for bake: the services that are built, and what their build sections refer to. Bake refuses
    /// a file whose secrets are not declared.
    pub fn to_compose(&self, model: &Value) -> Value {
        let service = |service: &BuiltService| {
            let value = json!({ "image": service.reference, "build": service.build });
            (service.name.clone(), value)
        };
        let mut file = Map::new();
        for section in ["name", "secrets"] {
            if let Some(value) = model.get(section) {
                file.insert(section.to_owned(), value.clone());
            }
        }
        let services = self.services.iter().map(service).collect();
        file.insert("services".to_owned(), Value::Object(services));
        Value::Object(file)
    }

    /// Returns the model to deploy: the whole of it, with the reference of each built image.
    pub fn to_deploy(&self, model: &Value) -> Value {
        let mut deployed = model.clone();
        for built in &self.services {
            if let Some(service) = deployed
                .pointer_mut("/services")
                .and_then(|all| all.get_mut(&built.name))
            {
                service["image"] = json!(built.reference);
            }
        }
        deployed
    }
}

/// Returns bake's arguments for a file, after `docker buildx bake`. `platform` is the engine's that runs the images; it
/// wins over the file's, as only one can be loaded and run.
pub fn bake_args(file: &str, spec: &Spec, platform: Option<&str>) -> Vec<String> {
    let output = if spec.registry.is_some() {
        "--push"
    } else {
        "--load"
    };
    let mut args = vec!["-f".to_owned(), file.to_owned(), output.to_owned()];
    args.extend(spec.builder.iter().map(|builder| format!("--builder={builder}")));
    args.extend(spec.no_cache.then(|| "--no-cache".to_owned()));
    args.extend(platform.map(|platform| format!("--set=*.platform={platform}")));
    args
}

fn is_built(service: &Service) -> bool {
    match &service.build {
        None | Some(Value::Null) => false,
        Some(Value::String(context)) => !context.is_empty(),
        Some(_) => true,
    }
}

fn one(
    request: &Request<'_>,
    service: &Service,
    name: &ImageName,
    warnings: &mut Vec<String>,
) -> BuiltService {
    let spec = request.spec;
    let mut build = match &service.build {
        Some(Value::Object(section)) => section.clone(),
        Some(context) => Map::from_iter([("context".to_owned(), context.clone())]),
        None => Map::new(),
    };
    let made = name.reference(spec.registry.as_ref(), request.tag);
    let latest = name.reference(spec.registry.as_ref(), tags::LATEST);
    let mut tags = texts(build.get("tags"));
    for tag in [latest, made.clone()] {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let reference = match service.image.as_deref().filter(|image| !image.is_empty()) {
        None => made,
        Some(image) if can_be_pushed(image, spec) => {
            // Bake ignores `image` when there are tags: without this the deployed image would never have been pushed.
            if !tags.iter().any(|tag| tag == image) {
                tags.push(image.to_owned());
            }
            image.to_owned()
        }
        Some(image) => {
            warnings.push(format!(
                "service {}: {made} is deployed, because its image {image} {}",
                service.name,
                if image.contains('@') {
                    "is given by digest"
                } else {
                    "names no registry to push to"
                }
            ));
            made
        }
    };
    let caches = caches(request, service, name, &build, warnings);
    build.insert("cache_from".to_owned(), json!(caches.from));
    build.insert("cache_to".to_owned(), json!(caches.to));
    build.insert("tags".to_owned(), json!(tags));
    BuiltService {
        name: service.name.clone(),
        reference,
        tags,
        caches,
        build: Value::Object(build),
    }
}

/// Returns whether an image of the user's can be a tag. Pushed, `my-frontend` would go to Docker Hub, where it is somebody
/// else's; loaded into the engine every name will do.
fn can_be_pushed(image: &str, spec: &Spec) -> bool {
    !image.contains('@') && (spec.registry.is_none() || names_registry(image))
}

fn caches(
    request: &Request<'_>,
    service: &Service,
    name: &ImageName,
    build: &Map<String, Value>,
    warnings: &mut Vec<String>,
) -> Caches {
    let own = Caches {
        from: texts(build.get("cache_from")),
        to: texts(build.get("cache_to")),
    };
    let mut caches = own.clone();
    if request.spec.github_cache {
        caches.add_github(request.scheme, request.project, &service.name);
    }
    if let Some(registry) = &request.spec.registry
        && request.spec.registry_cache
    {
        caches.add_registry(request.scheme, name, registry, request.branches, request.tag);
    }
    let args = build.get("args");
    if own.conflict(args) {
        warnings.push(format!(
            "service {}: an inline cache beside another cache_to; older builders refuse multiple cache exports",
            service.name
        ));
    } else if caches.conflict(args) {
        warnings.push(format!(
            "service {}: its inline cache is the only one that is exported",
            service.name
        ));
        caches.to = own.to;
    }
    caches
}

/// Returns a list of texts, or the one text that stands for a list.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::compose::registry::{SingleName, parse};

    fn service(name: &str, image: Option<&str>, build: Option<Value>) -> Service {
        Service {
            name: name.to_owned(),
            image: image.map(str::to_owned),
            build,
        }
    }

    fn pushing() -> Spec {
        Spec {
            registry: Some(parse("reg.example", SingleName::Off).unwrap()),
            ..Spec::default()
        }
    }

    fn generate(spec: &Spec, services: &[Service]) -> Result<BuildModel, Collision> {
        let branches = Branches {
            current: Some("main".into()),
            default: "main".into(),
            ..Branches::default()
        };
        BuildModel::generate(&Request {
            project: "p",
            services,
            spec,
            scheme: Scheme::Headstart,
            prefix: "headstart",
            tag: "abc",
            branches: &branches,
        })
    }

    fn built(spec: &Spec, image: Option<&str>, build: Value) -> (BuiltService, Vec<String>) {
        let mut model = generate(spec, &[service("web", image, Some(build))]).unwrap();
        (model.services.remove(0), model.warnings)
    }

    #[test]
    fn a_service_is_tagged_and_cached_and_keeps_the_rest() {
        let (web, warnings) = built(&pushing(), None, json!({ "context": "/c", "secrets": ["s"] }));
        assert_eq!(web.reference, "reg.example/headstart-p-web:abc");
        let export = "type=registry,ref=reg.example/headstart-p-web:buildcache,\
                      mode=max,oci-mediatypes=true,image-manifest=true,ignore-error=true";
        assert_eq!(
            web.build,
            json!({
                "context": "/c",
                "secrets": ["s"],
                "cache_from": ["type=registry,ref=reg.example/headstart-p-web:buildcache"],
                "cache_to": [export],
                "tags": ["reg.example/headstart-p-web:latest", "reg.example/headstart-p-web:abc"],
            })
        );
        assert_eq!(warnings, [""; 0]);
    }

    #[test]
    fn what_the_user_wrote_comes_first_and_stays() {
        let own = json!({ "context": ".", "cache_from": ["cf"], "cache_to": ["ct"], "tags": ["mine:1"] });
        let (web, _) = built(&pushing(), None, own.clone());
        assert_eq!(
            (&web.caches.from[0], &web.caches.to[0], &web.tags[0]),
            (&"cf".into(), &"ct".into(), &"mine:1".into())
        );
        assert_eq!(
            (web.caches.from.len(), web.caches.to.len(), web.tags.len()),
            (2, 2, 3)
        );
        let without = Spec {
            registry_cache: false,
            ..pushing()
        };
        let (web, _) = built(&without, None, own);
        assert_eq!(
            (web.caches.from, web.caches.to),
            (vec!["cf".into()], vec!["ct".into()])
        );
    }

    #[test]
    fn without_a_registry_images_are_tagged_in_the_engine() {
        let (web, _) = built(&Spec::default(), Some("my-frontend"), json!("."));
        assert_eq!(
            web.tags,
            ["headstart-p-web:latest", "headstart-p-web:abc", "my-frontend"]
        );
        assert_eq!(web.reference, "my-frontend");
        assert_eq!(web.caches, Caches::default());
        assert_eq!(web.build["context"], ".");
    }

    #[test]
    fn what_is_deployed_was_pushed() {
        for image in [
            None,
            Some("registry.example/acme/web:1"),
            Some("web"),
            Some("registry.example/web@sha256:00"),
        ] {
            let (web, warnings) = built(&pushing(), image, json!("."));
            assert!(web.tags.contains(&web.reference), "{image:?}");
            let named = image.is_none_or(|image| image == web.reference);
            assert_eq!(
                named,
                warnings.is_empty(),
                "another reference than the file's is told"
            );
        }
        assert_eq!(
            built(&pushing(), Some("registry.example/acme/web:1"), json!("."))
                .0
                .reference,
            "registry.example/acme/web:1"
        );
    }

    #[test]
    fn an_inline_cache_stays_the_only_export() {
        let (web, warnings) = built(
            &pushing(),
            None,
            json!({ "context": ".", "cache_to": ["type=inline"] }),
        );
        assert_eq!(web.caches.to, ["type=inline"]);
        assert_eq!(
            warnings,
            ["service web: its inline cache is the only one that is exported"]
        );
        let both = json!({ "context": ".", "cache_to": ["type=inline", "type=local,dest=/c"] });
        let (web, warnings) = built(&pushing(), None, both);
        assert_eq!(
            web.caches.to.len(),
            3,
            "what the user asks for is left to the builder"
        );
        assert!(warnings[0].contains("multiple cache exports"));
    }

    #[test]
    fn without_anything_to_build_the_model_is_empty() {
        let image = service("db", Some("postgres"), None);
        let none = service("x", None, Some(Value::Null));
        assert!(generate(&pushing(), &[image, none]).unwrap().is_empty());
    }

    #[test]
    fn services_that_would_share_an_image_are_refused() {
        let twice = [
            service("Web", None, Some(json!("."))),
            service("web", None, Some(json!("."))),
        ];
        assert!(generate(&pushing(), &twice).is_err());
        let other = [
            service("Web", None, Some(json!("."))),
            service("web", Some("nginx"), None),
        ];
        assert!(
            generate(&pushing(), &other).is_ok(),
            "an image that is not built takes no name"
        );
    }

    #[test]
    fn the_files_are_made_beside_the_input() {
        let model = json!({
            "name": "p",
            "secrets": { "s": { "file": "/s" } },
            "services": { "web": { "build": { "context": "." }, "ports": ["80"] }, "db": { "image": "postgres" } },
        });
        let services = [
            service("web", None, Some(model["services"]["web"]["build"].clone())),
            service("db", Some("postgres"), None),
        ];
        let build = generate(&Spec::default(), &services).unwrap();
        let file = build.to_compose(&model);
        assert_eq!(
            file["secrets"], model["secrets"],
            "bake refuses a file whose secrets are not declared"
        );
        assert_eq!(file["services"].as_object().unwrap().len(), 1);
        assert_eq!(file["services"]["web"].as_object().unwrap().len(), 2);
        let deployed = build.to_deploy(&model);
        assert_eq!(deployed["services"]["web"]["image"], "headstart-p-web:abc");
        assert_eq!(deployed["services"]["db"], model["services"]["db"]);
        assert_eq!(
            deployed["services"]["web"]["build"], model["services"]["web"]["build"],
            "deployed with --no-build"
        );
    }

    #[test]
    fn bake_is_asked_in_one_order() {
        let all = Spec {
            builder: Some("b".into()),
            no_cache: true,
            ..pushing()
        };
        assert_eq!(
            bake_args("F", &all, Some("linux/arm64")),
            [
                "-f",
                "F",
                "--push",
                "--builder=b",
                "--no-cache",
                "--set=*.platform=linux/arm64"
            ]
        );
        assert_eq!(bake_args("F", &Spec::default(), None), ["-f", "F", "--load"]);
    }
}
