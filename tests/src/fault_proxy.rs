//! A proxy in front of the registry that breaks what it is told to break.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use crate::registry::registry;

/// How a request goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is answered with this status and a message of the registry's kind.
    Status(u16),
    /// The connection is reset after this many bytes of the answer.
    Reset(usize),
}

/// The message in answers that are faults.
pub const MESSAGE: &str = "the disk of this registry is on holiday";

/// Which requests go wrong: method, a part of the path, and how.
pub type Rule = (&'static str, String, Fault);

/// A proxy; it ends with the process.
pub struct FaultProxy {
    place: String,
    rules: Arc<Mutex<Vec<Rule>>>,
}

impl FaultProxy {
    /// Starts a proxy that breaks nothing yet.
    pub fn start() -> Self {
        let listener =
            TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("no free port: {error}"));
        let place = listener
            .local_addr()
            .map(|place| place.to_string())
            .unwrap_or_default();
        let rules: Arc<Mutex<Vec<Rule>>> = Arc::default();
        let known = Arc::clone(&rules);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let rules = known.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // A connection that breaks is what this is for.
                std::thread::spawn(move || drop(serve(client, &rules)));
            }
        });
        Self { place, rules }
    }

    /// Returns where it listens, `host:port`.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Breaks these requests from now on, and no others.
    pub fn breaks(&self, rules: &[(&'static str, &str, Fault)]) {
        let rules = rules
            .iter()
            .map(|(method, path, fault)| (*method, (*path).to_owned(), *fault));
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = rules.collect();
    }
}

/// Serves one request; each has a connection of its own.
fn serve(mut client: TcpStream, rules: &[Rule]) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if client.read(&mut byte)? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
        // Clients try TLS first, and take this for the answer that there is none.
        if head == [0x16] {
            client.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\nthis is HTTP\n")?;
            return finish(client);
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let fault = rules
        .iter()
        .find(|(of, part, _)| *of == method && path.contains(part.as_str()))
        .map(|(_, _, fault)| *fault);
    if let Some(Fault::Status(status)) = fault {
        let body = format!("{{\"errors\":[{{\"code\":\"UNKNOWN\",\"message\":\"{MESSAGE}\"}}]}}");
        let head =
            format!("HTTP/1.1 {status} {MESSAGE}\r\nContent-Type: application/json\r\nConnection: close\r\n");
        write!(client, "{head}Content-Length: {}\r\n\r\n{body}", body.len())?;
        return finish(client);
    }
    let mut server = TcpStream::connect(registry())?;
    let (first, rest) = head.split_once("\r\n").unwrap_or((&head, ""));
    write!(server, "{first}\r\nConnection: close\r\n{rest}")?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || drop(std::io::copy(&mut from, &mut to)));
    match fault {
        Some(Fault::Reset(bytes)) => {
            std::io::copy(&mut server.take(bytes as u64), &mut client)?;
            client.shutdown(Shutdown::Both)
        }
        _ => {
            std::io::copy(&mut server, &mut client)?;
            finish(client)
        }
    }
}

/// Ends an answer, and reads what is still being sent: closing before would throw the answer away.
fn finish(mut client: TcpStream) -> std::io::Result<()> {
    client.shutdown(Shutdown::Write)?;
    client.set_read_timeout(Some(std::time::Duration::from_secs(2)))?;
    std::io::copy(&mut client, &mut std::io::sink())?;
    Ok(())
}
