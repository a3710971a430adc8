//! Ports of containers, as links.

use bollard::models::{PortSummary, PortSummaryTypeEnum};

use crate::wire::PublishedPort;

/// Returns a container's ports, each once: the Engine lists IPv4 and IPv6 apart.
pub(super) fn published(ports: &[PortSummary], host: &str) -> Vec<PublishedPort> {
    let mut all: Vec<PublishedPort> = Vec::new();
    for port in ports {
        let protocol = match port.typ {
            Some(PortSummaryTypeEnum::UDP) => "udp",
            Some(PortSummaryTypeEnum::SCTP) => "sctp",
            _ => "tcp",
        };
        let scheme = if port.private_port == 443 { "https" } else { "http" };
        let found = PublishedPort {
            target: port.private_port,
            published: port.public_port,
            protocol: protocol.to_owned(),
            url: port
                .public_port
                .filter(|_| protocol == "tcp")
                .map(|public| format!("{scheme}://{host}:{public}")),
        };
        if !all.contains(&found) {
            all.push(found);
        }
    }
    all.sort_by_key(|port| (port.target, port.published));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_of_both_addresses_is_one_link() {
        let port = |ip: &str| PortSummary {
            ip: Some(ip.to_owned()),
            private_port: 80,
            public_port: Some(8080),
            typ: Some(PortSummaryTypeEnum::TCP),
        };
        let found = published(&[port("0.0.0.0"), port("::")], "localhost");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].url.as_deref(), Some("http://localhost:8080"));
    }
}
