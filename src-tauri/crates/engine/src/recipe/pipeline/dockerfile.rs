//! The Dockerfile that adds to an image what settings ask for. What changes seldom comes first, so that changed code keeps
//! every layer above it.

use std::fmt::Write as _;

use serde_json::Value;

use super::requirements::RequirementsFile;
use super::settings::Installer;

/// Where code lies in an image, and where steps begin.
pub const FOLDER: &str = "/app";
/// Id of the secret with the certificates that installers trust.
pub const CA_SECRET: &str = "ca_bundle";
const CA_FILE: &str = "/run/headstart-ca.pem";

/// What is added to an image.
#[derive(Clone, Debug, Default)]
pub struct Additions<'a> {
    /// Variables, their names as they are.
    pub environment: &'a [(String, String)],
    /// Debian packages.
    pub apt_packages: &'a [String],
    /// Python packages, in order.
    pub requirements: &'a [RequirementsFile],
    /// What installs them.
    pub installer: Installer,
    /// Its options.
    pub installer_args: &'a [(String, Option<String>)],
    /// Whether the code is part of it.
    pub code: bool,
    /// Command that installs the code.
    pub install_command: Option<&'a str>,
    /// User that steps run as.
    pub user: Option<&'a str>,
    /// Entrypoint.
    pub entrypoint: Option<&'a [String]>,
    /// Whether installers are given certificates.
    pub certificates: bool,
}

impl Additions<'_> {
    /// Returns whether an image that has nothing of this would be the same.
    pub fn is_empty(&self) -> bool {
        self.environment.is_empty()
            && self.apt_packages.is_empty()
            && self.requirements.is_empty()
            && !self.code
            && self.install_command.is_none()
            && self.user.is_none()
            && self.entrypoint.is_none()
    }

    /// Returns the Dockerfile.
    pub fn dockerfile(&self, from: &str) -> String {
        let mut text = format!("FROM {from}\nWORKDIR {FOLDER}\n");
        for (name, value) in self.environment {
            let _ = writeln!(text, "ENV {name}={}", quoted(value));
        }
        self.add_apt(&mut text);
        self.add_requirements(&mut text);
        if self.code {
            text.push_str("COPY . .\n");
        }
        if let Some(command) = self.install_command {
            self.add_command(&mut text, command);
        }
        text.push_str("RUN chmod -R a+rw .\n");
        if let Some(user) = self.user {
            let _ = writeln!(text, "RUN chown -R {user} .\nUSER {user}");
        }
        if let Some(entrypoint) = self.entrypoint {
            let _ = writeln!(text, "ENTRYPOINT {}", Value::from(entrypoint.to_vec()));
        }
        text
    }

    fn add_apt(&self, text: &mut String) {
        if self.apt_packages.is_empty() {
            return;
        }
        let names: Vec<String> = self.apt_packages.iter().map(|name| word(name)).collect();
        let (mount, option) = if self.certificates {
            (ca_mount(), format!(" -o Acquire::https::CAInfo={CA_FILE}"))
        } else {
            (String::new(), String::new())
        };
        let _ = writeln!(
            text,
            "RUN {mount}apt-get{option} update && apt-get{option} install -y --no-install-recommends {} \
             && rm -rf /var/lib/apt/lists/*",
            names.join(" ")
        );
    }

    fn add_requirements(&self, text: &mut String) {
        if self.requirements.is_empty() {
            return;
        }
        let (mount, trust) = if self.certificates {
            (ca_mount(), format!("{} ", trust()))
        } else {
            (String::new(), String::new())
        };
        let options = options(self.installer, self.installer_args);
        let command = match self.installer {
            Installer::Pip => format!("RUN {mount}{trust}pip install{options}"),
            Installer::Uv => {
                // Debian's pip refuses without this whatever it installs.
                let broken = self
                    .installer_args
                    .iter()
                    .any(|(name, _)| name == "break-system-packages");
                let broken = if broken { " --break-system-packages" } else { "" };
                let _ = writeln!(
                    text,
                    "RUN {mount}{trust}pip install{broken} --no-cache-dir --default-timeout=60 uv"
                );
                // uv takes the Python of a virtual environment by itself, and no other without being told.
                format!(
                    "RUN {mount}[ -n \"$VIRTUAL_ENV\" ] || export UV_SYSTEM_PYTHON=1; {trust}uv pip install{options}"
                )
            }
        };
        for file in self.requirements {
            let name = file.origin.file();
            let end = delimiter(&file.text);
            let _ = writeln!(text, "COPY <<'{end}' {FOLDER}/{name}\n{}{end}", file.text);
            let _ = writeln!(text, "{command} -r {name}");
        }
    }

    /// Adds a command of the user's: one line as it is, anything that a Dockerfile could misread as a script.
    fn add_command(&self, text: &mut String, command: &str) {
        let command = command.trim();
        let mount = if self.certificates {
            ca_mount()
        } else {
            String::new()
        };
        let misread = command.contains(['\n', '\r'])
            || command.contains("<<")
            || command.ends_with('\\')
            || command.starts_with(['-', '[', '#', '<']);
        if misread || self.certificates {
            let export = if self.certificates {
                format!("export {}\n", trust())
            } else {
                String::new()
            };
            let script = format!("set -e\n{export}{}\n", command.replace("\r\n", "\n"));
            let end = delimiter(&script);
            let _ = writeln!(text, "RUN {mount}<<'{end}'\n{script}{end}");
        } else {
            let _ = writeln!(text, "RUN {command}");
        }
    }
}

fn ca_mount() -> String {
    // Whoever the parent image runs as has to be able to read it.
    format!("--mount=type=secret,id={CA_SECRET},target={CA_FILE},mode=0444 ")
}

fn trust() -> String {
    [
        "PIP_CERT",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    ]
    .map(|name| format!("{name}={CA_FILE}"))
    .join(" ")
}

/// Returns options of an installer: its usual ones, with those that the settings name replaced, and what they add.
fn options(installer: Installer, own: &[(String, Option<String>)]) -> String {
    let mut all: Vec<(String, Option<String>)> = vec![("no-cache-dir".into(), None)];
    if installer == Installer::Pip {
        all.push(("default-timeout".into(), Some("60".into())));
    }
    for (name, value) in own {
        match all.iter_mut().find(|(known, _)| known == name) {
            Some(known) => known.1.clone_from(value),
            None => all.push((name.clone(), value.clone())),
        }
    }
    let show = |(name, value): &(String, Option<String>)| match value {
        Some(value) if is_plain(value) => format!(" --{name}={value}"),
        Some(value) => format!(" --{name}={}", word(value)),
        None => format!(" --{name}"),
    };
    all.iter().map(show).collect()
}

/// Returns whether a shell and a Dockerfile read a text as it is.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c))
}

/// Returns a text as one word of a shell. A line end would be the end of the instruction.
fn word(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("'{}'", line.replace('\'', "'\\''"))
}

/// Returns a value of `ENV` in quotes, with nothing in it that stands for something else.
fn quoted(value: &str) -> String {
    let mut word = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$') {
            word.push('\\');
        }
        word.push(c);
    }
    word.push('"');
    word
}

/// Returns a word that is no line of a text, the same for the same text.
fn delimiter(text: &str) -> String {
    let mut end = "END".to_owned();
    while text.lines().any(|line| line.trim() == end) {
        end.push('_');
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::pipeline::requirements::Origin;

    fn file(origin: Origin, text: &str) -> RequirementsFile {
        RequirementsFile {
            origin,
            text: text.to_owned(),
        }
    }

    #[test]
    fn everything_stands_in_its_place() {
        let environment = [("A".to_owned(), "x \"$HOME\" \\".to_owned())];
        let apt_packages = ["git".to_owned(), "libgl1".to_owned()];
        let requirements = [file(Origin::Stack, "b\n"), file(Origin::User, "END\nnumpy>1\n")];
        let installer_args = [
            ("default-timeout".to_owned(), Some("99".to_owned())),
            ("index-url".to_owned(), Some("https://h/x?a b".to_owned())),
            ("option".to_owned(), None),
        ];
        let entrypoint = ["sh".to_owned(), "-c".to_owned(), "echo \"$1\"".to_owned()];
        let additions = Additions {
            environment: &environment,
            apt_packages: &apt_packages,
            requirements: &requirements,
            installer_args: &installer_args,
            code: true,
            install_command: Some("pip install ."),
            user: Some("dev:staff"),
            entrypoint: Some(&entrypoint),
            ..Additions::default()
        };
        insta::assert_snapshot!(additions.dockerfile("python:3.12"), @r#"
        FROM python:3.12
        WORKDIR /app
        ENV A="x \"\$HOME\" \\"
        RUN apt-get update && apt-get install -y --no-install-recommends 'git' 'libgl1' && rm -rf /var/lib/apt/lists/*
        COPY <<'END' /app/.headstart_stack_requirements
        b
        END
        RUN pip install --no-cache-dir --default-timeout=99 --index-url='https://h/x?a b' --option -r .headstart_stack_requirements
        COPY <<'END_' /app/.headstart_user_requirements
        END
        numpy>1
        END_
        RUN pip install --no-cache-dir --default-timeout=99 --index-url='https://h/x?a b' --option -r .headstart_user_requirements
        COPY . .
        RUN pip install .
        RUN chmod -R a+rw .
        RUN chown -R dev:staff .
        USER dev:staff
        ENTRYPOINT ["sh","-c","echo \"$1\""]
        "#);
    }

    #[test]
    fn certificates_are_there_for_installers_only() {
        let requirements = [file(Origin::User, "numpy\n")];
        let apt_packages = ["git".to_owned()];
        let additions = Additions {
            apt_packages: &apt_packages,
            requirements: &requirements,
            installer: Installer::Uv,
            install_command: Some("pip install . <<X\nX"),
            certificates: true,
            ..Additions::default()
        };
        insta::assert_snapshot!(additions.dockerfile("parent"), @r#"
        FROM parent
        WORKDIR /app
        RUN --mount=type=secret,id=ca_bundle,target=/run/headstart-ca.pem,mode=0444 apt-get -o Acquire::https::CAInfo=/run/headstart-ca.pem update && apt-get -o Acquire::https::CAInfo=/run/headstart-ca.pem install -y --no-install-recommends 'git' && rm -rf /var/lib/apt/lists/*
        RUN --mount=type=secret,id=ca_bundle,target=/run/headstart-ca.pem,mode=0444 PIP_CERT=/run/headstart-ca.pem SSL_CERT_FILE=/run/headstart-ca.pem REQUESTS_CA_BUNDLE=/run/headstart-ca.pem CURL_CA_BUNDLE=/run/headstart-ca.pem pip install --no-cache-dir --default-timeout=60 uv
        COPY <<'END' /app/.headstart_user_requirements
        numpy
        END
        RUN --mount=type=secret,id=ca_bundle,target=/run/headstart-ca.pem,mode=0444 [ -n "$VIRTUAL_ENV" ] || export UV_SYSTEM_PYTHON=1; PIP_CERT=/run/headstart-ca.pem SSL_CERT_FILE=/run/headstart-ca.pem REQUESTS_CA_BUNDLE=/run/headstart-ca.pem CURL_CA_BUNDLE=/run/headstart-ca.pem uv pip install --no-cache-dir -r .headstart_user_requirements
        RUN --mount=type=secret,id=ca_bundle,target=/run/headstart-ca.pem,mode=0444 <<'END'
        set -e
        export PIP_CERT=/run/headstart-ca.pem SSL_CERT_FILE=/run/headstart-ca.pem REQUESTS_CA_BUNDLE=/run/headstart-ca.pem CURL_CA_BUNDLE=/run/headstart-ca.pem
        pip install . <<X
        X
        END
        RUN chmod -R a+rw .
        "#);
    }
}
