//! Registries as people name them: with a scheme, in upper case, with a repository behind an ECR host.

use thiserror::Error;

use super::names::is_component;

/// Longest registry with its path, in characters: an image name of 64 fits behind it in the 255 of a repository.
const MAX: usize = 190;

/// Where images are pushed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// `host[:port][/path]`, lower case, without a slash at the end.
    pub host_and_path: String,
    /// The one repository that all images share, their names being part of the tag. Registries like Amazon's ECR need it:
    /// there a repository has to exist before anything is pushed.
    pub single_name: Option<String>,
}

/// What is said about a single name next to a registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SingleName<'a> {
    /// Nothing: ECR registries are detected.
    #[default]
    Detect,
    /// This name; the registry is kept as it is. An empty name is the same as [`SingleName::Off`].
    Named(&'a str),
    /// There is none, whatever the registry is.
    Off,
}

/// Why a text names no registry. No message repeats credentials.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RegistryError {
    /// There is no name.
    #[error("the registry has no name")]
    Empty,
    /// Credentials stand in the name.
    #[error("a registry is named without user and password")]
    Credentials,
    /// A tag or digest stands behind the name.
    #[error("{registry:?} names an image, not a registry")]
    Image {
        /// What was given.
        registry: String,
    },
    /// A part of the name is not valid.
    #[error("{part:?} cannot stand in the name of a registry")]
    Invalid {
        /// The first such part.
        part: String,
    },
    /// Nothing would fit behind the name.
    #[error("the registry's name is longer than {MAX} characters")]
    TooLong,
    /// An ECR host without a repository.
    #[error("{host} is an ECR registry, which needs the name of an existing repository")]
    RepositoryNeeded {
        /// The host.
        host: String,
    },
}

impl RegistryError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Empty => {
                Some("name it as host[:port][/path], for example registry.example/acme".to_owned())
            }
            Self::Credentials => Some("log in with `docker login` and name the host alone".to_owned()),
            Self::Image { .. } => Some("leave out the tag: tags are made for each build".to_owned()),
            Self::RepositoryNeeded { host } => Some(format!(
                "name the repository as {host}/<repository> or with --registry-single-name; \
                 --no-registry-single-name expects one repository for each image"
            )),
            Self::Invalid { .. } | Self::TooLong => None,
        }
    }
}

/// Reads a registry's name.
///
/// What people paste is cleaned: white space around it, `https://`, upper case (hosts know no case, repositories have to be
/// lower case), slashes at the end. An ECR host (AWS, China, FIPS, dual stack) gets its repository as the single name;
/// `public.ecr.aws` makes repositories by itself under an alias and is a registry like any other.
pub fn parse(text: &str, single_name: SingleName<'_>) -> Result<Registry, RegistryError> {
    let host_and_path = cleaned(text)?;
    let name = match single_name {
        SingleName::Detect => return detected(host_and_path),
        SingleName::Off => None,
        SingleName::Named(name) if name.trim().is_empty() => None,
        SingleName::Named(name) => Some(repository(name)?),
    };
    if host_and_path.len() + name.as_ref().map_or(0, String::len) > MAX {
        return Err(RegistryError::TooLong);
    }
    Ok(Registry {
        host_and_path,
        single_name: name,
    })
}

fn detected(host_and_path: String) -> Result<Registry, RegistryError> {
    let (host, path) = host_and_path.split_once('/').unwrap_or((&host_and_path, ""));
    match (is_ecr(host), path) {
        (false, _) => Ok(Registry {
            host_and_path,
            single_name: None,
        }),
        (true, "") => Err(RegistryError::RepositoryNeeded {
            host: host.to_owned(),
        }),
        (true, repository) => Ok(Registry {
            host_and_path: host.to_owned(),
            single_name: Some(repository.to_owned()),
        }),
    }
}

/// Returns whether a host is a private ECR registry: `<account>.dkr.ecr[-fips].<region>.amazonaws.com` and the domains of
/// the other partitions and of dual-stack endpoints.
fn is_ecr(host: &str) -> bool {
    let ecr = || {
        let (account, rest) = host.split_once('.')?;
        let service = ["dkr.ecr-fips.", "dkr.ecr.", "dkr-ecr-fips.", "dkr-ecr."];
        let rest = service.iter().find_map(|service| rest.strip_prefix(service))?;
        let (region, domain) = rest.split_once('.')?;
        let domains = [
            "amazonaws.com",
            "amazonaws.com.cn",
            "amazonaws.eu",
            "on.aws",
            "on.amazonwebservices.com.cn",
        ];
        let digits = !account.is_empty() && account.bytes().all(|b| b.is_ascii_digit());
        Some(digits && !region.is_empty() && domains.contains(&domain))
    };
    ecr().unwrap_or(false)
}

fn cleaned(text: &str) -> Result<String, RegistryError> {
    let lower = text.trim().to_lowercase();
    let schemes = ["https://", "http://", "docker://", "oci://"];
    let rest = schemes
        .iter()
        .find_map(|scheme| lower.strip_prefix(scheme))
        .unwrap_or(&lower);
    let rest = rest.trim_end_matches('/');
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if host.is_empty() {
        return Err(RegistryError::Empty);
    }
    if host.contains('@') {
        return Err(RegistryError::Credentials);
    }
    check_host(host, rest)?;
    if path.is_empty() {
        return bounded(host.to_owned());
    }
    bounded(format!("{host}/{}", repository(path)?))
}

fn bounded(name: String) -> Result<String, RegistryError> {
    if name.len() > MAX {
        return Err(RegistryError::TooLong);
    }
    Ok(name)
}

fn check_host(host: &str, whole: &str) -> Result<(), RegistryError> {
    let invalid = |part: &str| RegistryError::Invalid {
        part: part.to_owned(),
    };
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            address.parse::<std::net::Ipv6Addr>().map_err(|_| invalid(host))?;
            (
                None,
                port.strip_prefix(':').or((!port.is_empty()).then_some(port)),
            )
        }
        None => match host.split_once(':') {
            Some((name, port)) => (Some(name), Some(port)),
            None => (Some(host), None),
        },
    };
    let label = |label: &str| {
        let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !label.is_empty() && label.bytes().all(inside) && !label.starts_with('-') && !label.ends_with('-')
    };
    if name.is_some_and(|name| !name.split('.').all(label)) {
        return Err(invalid(host));
    }
    match port {
        None => Ok(()),
        Some(port)
            if port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0) =>
        {
            Ok(())
        }
        // `ubuntu:24.04` is an image; behind a host with a path it is a port that is none.
        Some(_) if host == whole => Err(RegistryError::Image {
            registry: whole.to_owned(),
        }),
        Some(_) => Err(invalid(host)),
    }
}

/// Reads a repository's path: cleaned as a registry is, and each part checked.
fn repository(text: &str) -> Result<String, RegistryError> {
    let lower = text.trim().to_lowercase();
    let parts: Vec<&str> = lower.split('/').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Err(RegistryError::Empty);
    }
    for part in &parts {
        if part.contains([':', '@']) {
            return Err(RegistryError::Image {
                registry: lower.clone(),
            });
        }
        if !is_component(part) {
            return Err(RegistryError::Invalid {
                part: (*part).to_owned(),
            });
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const ECR: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

    fn detect(text: &str) -> Result<(String, Option<String>), RegistryError> {
        parse(text, SingleName::Detect).map(|registry| (registry.host_and_path, registry.single_name))
    }

    #[rstest]
    #[case("123456789012.dkr.ecr.us-east-1.amazonaws.com")]
    #[case("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn")]
    #[case("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com")]
    #[case("123456789012.dkr-ecr.eu-central-1.on.aws")]
    fn the_repository_of_an_ecr_host_is_the_single_name(#[case] host: &str) {
        let found = Ok((host.to_owned(), Some("team/app".to_owned())));
        assert_eq!(detect(&format!("{host}/team/app")), found);
        assert_eq!(
            detect(&format!(" HTTPS://{}/Team//App/ ", host.to_uppercase())),
            found
        );
        let error = detect(&format!("{host}/")).unwrap_err();
        assert_eq!(
            error,
            RegistryError::RepositoryNeeded {
                host: host.to_owned()
            }
        );
        assert!(error.hint().unwrap().contains("--registry-single-name"));
    }

    #[rstest]
    #[case("my-registry", "my-registry")]
    #[case("registry.example/Acme/", "registry.example/acme")]
    #[case("https://registry.example/acme", "registry.example/acme")]
    #[case("localhost:5000", "localhost:5000")]
    #[case("[::1]:5000/a", "[::1]:5000/a")]
    #[case("public.ecr.aws/acme", "public.ecr.aws/acme")]
    #[case(
        "abc.dkr.ecr.us-east-1.amazonaws.com/x",
        "abc.dkr.ecr.us-east-1.amazonaws.com/x"
    )]
    #[case("123.dkr.ecr.a.b.amazonaws.com/x", "123.dkr.ecr.a.b.amazonaws.com/x")]
    #[case(
        "123.dkr.ecr.eu.amazonaws.com.example.org/x",
        "123.dkr.ecr.eu.amazonaws.com.example.org/x"
    )]
    fn other_registries_have_a_repository_for_each_image(#[case] text: &str, #[case] name: &str) {
        assert_eq!(detect(text), Ok((name.to_owned(), None)));
    }

    #[test]
    fn what_is_said_about_a_single_name_wins() {
        let registry = format!("{ECR}/my-repo");
        let parsed = |single| parse(&registry, single).unwrap();
        assert_eq!(parsed(SingleName::Off).single_name, None);
        let named = parsed(SingleName::Named("/Team/Other/"));
        assert_eq!(named.single_name.as_deref(), Some("team/other"));
        assert_eq!(named.host_and_path, registry, "the registry is kept whole");
        assert_eq!(parsed(SingleName::Named("")), parsed(SingleName::Off));
        assert!(
            parse(ECR, SingleName::Off).is_ok(),
            "then there is a repository for each image"
        );
    }

    #[rstest]
    #[case("", RegistryError::Empty)]
    #[case(" https:// ", RegistryError::Empty)]
    #[case("/acme", RegistryError::Empty)]
    #[case("me:s3cret@registry.example/acme", RegistryError::Credentials)]
    #[case("https://me@registry.example", RegistryError::Credentials)]
    #[case("registry.example/acme/app:1", RegistryError::Image { registry: "acme/app:1".into() })]
    #[case("registry.example/acme@sha256:00", RegistryError::Image { registry: "acme@sha256:00".into() })]
    #[case("ubuntu:latest", RegistryError::Image { registry: "ubuntu:latest".into() })]
    #[case("host:99999/a", RegistryError::Invalid { part: "host:99999".into() })]
    #[case("my registry", RegistryError::Invalid { part: "my registry".into() })]
    #[case("--push", RegistryError::Invalid { part: "--push".into() })]
    #[case("ftp://host", RegistryError::Invalid { part: "ftp:".into() })]
    #[case("registry.example/a,type=local", RegistryError::Invalid { part: "a,type=local".into() })]
    #[case("registry.example/a_-b", RegistryError::Invalid { part: "a_-b".into() })]
    fn what_names_no_registry_is_refused(#[case] text: &str, #[case] error: RegistryError) {
        assert_eq!(parse(text, SingleName::Off), Err(error));
    }

    #[test]
    fn an_endless_name_is_refused() {
        let long = format!("registry.example/{}", "a".repeat(200));
        assert_eq!(parse(&long, SingleName::Off), Err(RegistryError::TooLong));
        let name = "a".repeat(190);
        assert_eq!(
            parse("registry.example", SingleName::Named(&name)),
            Err(RegistryError::TooLong)
        );
    }

    #[test]
    fn no_message_repeats_a_password() {
        let error = parse("me:s3cret@registry.example", SingleName::Off).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("s3cret"));
    }
}
