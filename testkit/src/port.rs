//! Free ports.

use std::net::{Ipv4Addr, TcpListener};

/// A TCP port of 127.0.0.1 on which nothing listens at this moment.
///
/// Another program may take the port first, so callers must be ready to try another.
#[must_use]
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("loopback has a free port")
        .port()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_listened_on() {
        // Another test may take the port first, but not ten times in a row.
        let is_bound = (0..10).any(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, free_port())).is_ok());
        assert!(is_bound);
    }
}
