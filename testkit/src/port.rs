//! Free ports.

use std::net::{Ipv4Addr, TcpListener};

/// A TCP port of 127.0.0.1 on which nothing listens at this moment.
///
/// Another program may take it before the caller does, so a server that is given its port must be ready to try another.
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
        // Another test may be faster, once or twice; not ten times.
        let taken = (0..10).any(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, free_port())).is_ok());
        assert!(taken);
    }
}
