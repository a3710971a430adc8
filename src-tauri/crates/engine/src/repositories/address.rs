//! Addresses of repositories: which are accepted, and which mean the same place.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::wire::RepositoryKind;

/// Longest address.
const MAX_BYTES: usize = 2_048;

/// What a user's name in an address begins with when it is a secret.
const TOKENS: [&str; 7] = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"];

/// Hosts whose paths are the same in upper and lower case.
const CASELESS: [&str; 2] = ["github.com", "gitlab.com"];

/// An address taken apart.
#[derive(Debug, PartialEq, Eq)]
enum Address<'a> {
    Server {
        scheme: &'a str,
        user: Option<&'a str>,
        password: bool,
        host: &'a str,
        port: Option<&'a str>,
        path: &'a str,
    },
    Folder(&'a str),
}

fn parse(url: &str) -> Option<Address<'_>> {
    if let Some((scheme, rest)) = url.split_once("://") {
        if scheme.eq_ignore_ascii_case("file") {
            let path = rest.strip_prefix("localhost").unwrap_or(rest);
            return path.starts_with('/').then_some(Address::Folder(path));
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (login, place) = split_login(authority);
        let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => match place.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            },
        };
        let (user, password) = match login.map(|login| login.split_once(':').ok_or(login)) {
            Some(Ok((user, _))) => (Some(user), true),
            Some(Err(user)) => (Some(user), false),
            None => (None, false),
        };
        return Some(Address::Server {
            scheme,
            user,
            password,
            host,
            port: port.filter(|port| !port.is_empty()),
            path,
        });
    }
    if url.starts_with('/') {
        return Some(Address::Folder(url));
    }
    // `host:path`, as ssh has it: the colon comes before any slash.
    let (place, path) = url.split_once(':')?;
    if place.contains('/') || path.starts_with(':') {
        return None;
    }
    let (user, host) = split_login(place);
    Some(Address::Server {
        scheme: "ssh",
        user,
        password: false,
        host,
        port: None,
        path,
    })
}

fn split_login(authority: &str) -> (Option<&str>, &str) {
    match authority.rsplit_once('@') {
        Some((login, host)) => (Some(login), host),
        None => (None, authority),
    }
}

/// Checks an address that somebody registers, and returns it without white space around it.
pub(super) fn checked(url: &str) -> Result<String> {
    let url = url.trim();
    let refuse = |why: &str, hint: &str| Err(Error::refused(why.to_owned(), hint.to_owned()));
    let forms = "write https://host/path, ssh://user@host/path, user@host:path, file:///path or /path";
    if url.is_empty() || url.len() > MAX_BYTES {
        return refuse("the address is empty or too long", forms);
    }
    // git would take it for an option, or a program for another address.
    if url.starts_with('-') || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return refuse(
            "an address neither begins with - nor has white space in it",
            forms,
        );
    }
    let Some(address) = parse(url) else {
        return refuse(&format!("{url:?} is no address of a repository"), forms);
    };
    let Address::Server {
        scheme,
        user,
        password,
        host,
        port,
        path,
    } = address
    else {
        return Ok(url.to_owned());
    };
    // The address is not repeated: it has the secret in it.
    if password || user.is_some_and(|user| TOKENS.iter().any(|token| user.starts_with(token))) {
        return refuse(
            "the address has a password or token in it, which would be stored and shown",
            "leave it out; git's credential helpers keep it: see `git help credentials`",
        );
    }
    if !["https", "ssh"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return refuse(&format!("{scheme}:// addresses are not fetched from"), forms);
    }
    let word = |text: &str, more: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || more.contains(c) && c == ':')
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || "._-".contains(c) || more.contains(c))
    };
    if !word(host, ":") || user.is_some_and(|user| !word(user, "+~@")) {
        return refuse(&format!("{url:?} has no host that can be asked"), forms);
    }
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return refuse(&format!("{url:?} has a port that is no number"), forms);
    }
    let bare = path.trim_matches('/');
    if bare.is_empty() || path.starts_with('-') || path.contains(['?', '#']) {
        return refuse(&format!("{url:?} names no repository on its host"), forms);
    }
    Ok(url.to_owned())
}

/// Returns the kind that an address suggests.
pub fn kind_of(url: &str) -> RepositoryKind {
    let Some(Address::Server { host, .. }) = parse(url.trim()) else {
        return RepositoryKind::Git;
    };
    let host = host.to_ascii_lowercase();
    match () {
        () if host.split('.').any(|part| part == "github") => RepositoryKind::Github,
        () if host.split('.').any(|part| part == "gitlab") => RepositoryKind::Gitlab,
        () => RepositoryKind::Git,
    }
}

/// Returns an address as it may be shown: without a password, whoever wrote one into it.
pub(super) fn shown(url: &str) -> String {
    if let Some((scheme, rest)) = url.split_once("://") {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if let (Some(_), place) = split_login(authority) {
            return format!("{scheme}://{place}{path}");
        }
    }
    url.to_owned()
}

/// A place that addresses lead to, however they are written.
#[derive(Debug)]
pub(super) enum Place {
    Server {
        host: String,
        path: String,
        /// Ports can be compared within one scheme only.
        entrance: (String, Option<u16>),
    },
    Folder(PathBuf),
    Unknown(String),
}

impl Place {
    /// Returns where an address leads; a relative one counts from `folder`.
    pub(super) fn of(url: &str, folder: Option<&Path>) -> Self {
        let url = url.trim();
        match parse(url) {
            Some(Address::Server {
                scheme,
                host,
                port,
                path,
                ..
            }) => {
                let host = host.to_ascii_lowercase();
                let scheme = scheme.to_ascii_lowercase();
                let usual = match scheme.as_str() {
                    "https" => 443,
                    "http" => 80,
                    "git" => 9418,
                    _ => 22,
                };
                let port = port
                    .and_then(|port| port.parse().ok())
                    .filter(|port| *port != usual);
                let mut path = without_end(path.trim_start_matches('/')).to_owned();
                if CASELESS.contains(&host.as_str()) {
                    path.make_ascii_lowercase();
                }
                Self::Server {
                    host,
                    path,
                    entrance: (scheme, port),
                }
            }
            Some(Address::Folder(path)) => Self::folder(Path::new(path)),
            None => match folder {
                Some(folder) if !url.is_empty() => Self::folder(&folder.join(url)),
                _ => Self::Unknown(url.to_owned()),
            },
        }
    }

    fn folder(path: &Path) -> Self {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let text = real.to_string_lossy();
        let end = without_end(&text);
        // A work tree is addressed by its folder or by the `.git` in it.
        Self::Folder(PathBuf::from(without_end(end)))
    }

    /// Returns whether both are the same repository.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Folder(one), Self::Folder(two)) => one == two,
            (Self::Unknown(one), Self::Unknown(two)) => one == two,
            (
                Self::Server { host, path, entrance },
                Self::Server {
                    host: other_host,
                    path: other_path,
                    entrance: other_entrance,
                },
            ) => {
                let comparable = entrance.0 == other_entrance.0;
                host == other_host && path == other_path && (!comparable || entrance == other_entrance)
            }
            _ => false,
        }
    }
}

/// Takes slashes and one `.git` from a path's end.
fn without_end(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_accepted_in_each_of_their_forms() {
        for url in [
            "https://github.com/acme/app",
            "https://me@git.example:8443/acme/app.git",
            "https://[::1]:3000/a",
            "ssh://git@git.example:2222/acme/app",
            "git@github.com:acme/app.git",
            "host:~/app",
            "file:///srv/app.git",
            "file://localhost/srv/app.git",
            "/srv/app.git",
        ] {
            assert_eq!(checked(&format!("  {url}\n")).unwrap(), url);
        }
    }

    #[test]
    fn addresses_that_could_do_harm_are_refused_and_no_secret_is_repeated() {
        for url in [
            "",
            "-uexec=x",
            "--upload-pack=touch x",
            "ext::sh -c touch% x",
            "ext::sh",
            "ssh://-oProxyCommand=x/a",
            "-oProxyCommand=x:a",
            "ssh://host:-1/a",
            "host:-path",
            "https://host",
            "https://host/",
            "https:///path",
            "http://host/path",
            "git://host/path",
            "relative/path",
            "../up",
            "https://host/a b",
            "https://host/a\nb",
            "https://host/a?token=x",
            "file://elsewhere/srv",
            "user@:path",
        ] {
            assert!(checked(url).is_err(), "{url:?}");
        }
        for url in [
            "https://me:hunter2@host/a",
            "https://:hunter2@host/a",
            "ssh://git:hunter2@host/a",
            "https://ghp_hunter2@github.com/a/b",
        ] {
            let error = crate::wire::WireError::from(checked(url).unwrap_err());
            let told = format!("{error:?}");
            assert!(told.contains("credential helpers"), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
        assert_eq!(shown("https://me:hunter2@host/a@b"), "https://host/a@b");
    }

    #[test]
    fn forms_of_one_address_are_the_same_place() {
        let same = [
            [
                "https://github.com/Acme/App.git",
                "git@GitHub.com:acme/app/",
                "ssh://git@github.com:22/acme/app.git",
                "https://me@github.com:443/acme/app",
            ]
            .as_slice(),
            &[
                "https://host:8443/a",
                "ssh://git@host:2222/a.git",
                "host:a",
                "host:/a/",
            ],
            &[
                "/no/such/place/a.git",
                "file:///no/such/place/a",
                "/no/such/place/a/.git/",
            ],
        ];
        for group in same {
            for url in group {
                let (one, two) = (Place::of(group[0], None), Place::of(url, None));
                assert!(one.is(&two), "{} and {url}", group[0]);
            }
        }
        for (one, two) in [
            ("https://host/a", "https://host/b"),
            ("https://host/a", "https://host/A"),
            ("https://host/a", "https://other/a"),
            ("https://host/a", "https://host:8443/a"),
            ("https://host/a", "/host/a"),
            ("https://host/a/b", "https://host/b"),
        ] {
            assert!(!Place::of(one, None).is(&Place::of(two, None)), "{one} and {two}");
        }
    }

    #[test]
    fn folders_are_the_same_through_links_and_relative_to_the_checkout() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("far.git");
        std::fs::create_dir_all(dir.path().join("near")).unwrap();
        std::fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink(&folder, dir.path().join("link")).unwrap();
        let far = Place::of(folder.to_str().unwrap(), None);
        let link = Place::of(&format!("file://{}/link", dir.path().display()), None);
        assert!(far.is(&link));
        assert!(far.is(&Place::of("../far.git", Some(&dir.path().join("near")))));
        assert!(!far.is(&Place::of("../far.git", None)));
    }

    #[test]
    fn the_kind_is_taken_from_the_host() {
        assert_eq!(kind_of("git@github.com:a/b"), RepositoryKind::Github);
        assert_eq!(kind_of("https://gitlab.acme.example/a/b"), RepositoryKind::Gitlab);
        assert_eq!(kind_of("/srv/github.com/a"), RepositoryKind::Git);
    }
}
