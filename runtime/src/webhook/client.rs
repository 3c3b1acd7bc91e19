//! Who delivers, and how often wrong. A client is the peer of the connection, or what a trusted proxy says it is; a header
//! alone never names one.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::DefaultClock;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use http::HeaderMap;

use super::limits;

/// How many proxies stand before the worker, each of which appends its peer to `X-Forwarded-For`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrustedHops(pub u8);

impl TrustedHops {
    /// The address of the client: the entry that the outermost trusted proxy has appended. A request that has not come
    /// through all of them is its peer's own.
    pub fn client(self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if self.0 == 0 {
            return peer.to_canonical();
        }
        let entries: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        let place = entries.len().checked_sub(usize::from(self.0));
        let named = place.and_then(|place| address(entries[place].trim()));
        named.unwrap_or(peer).to_canonical()
    }
}

/// An address, possibly with a port.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port)
}

/// Counts what clients do, in a bounded memory.
pub(super) struct Account {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>,
    /// When clients were last forgotten that have all of their allowance again.
    pruned_at: Mutex<Instant>,
}

/// How often a full account looks for clients to forget: each look costs as much as there are clients.
const PRUNE_PAUSE: Duration = Duration::from_secs(1);

impl Account {
    /// An account that allows each client so many in a minute.
    pub(super) fn per_minute(count: u32) -> Self {
        let quota = Quota::per_minute(NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN));
        Self { limiter: RateLimiter::hashmap(quota), pruned_at: Mutex::new(Instant::now()) }
    }

    /// Counts one; false when the client has no more.
    pub(super) fn allows(&self, client: IpAddr) -> bool {
        let mut key = network(client);
        if self.limiter.len() >= limits::CLIENTS_MAX {
            self.prune();
            if self.limiter.len() >= limits::CLIENTS_MAX {
                key = Ipv6Addr::UNSPECIFIED.into();
            }
        }
        self.limiter.check_key(&key).is_ok()
    }

    fn prune(&self) {
        // Plain data, which a panic elsewhere cannot leave half done.
        let mut pruned_at = self.pruned_at.lock().unwrap_or_else(PoisonError::into_inner);
        if pruned_at.elapsed() >= PRUNE_PAUSE {
            *pruned_at = Instant::now();
            self.limiter.retain_recent();
        }
    }
}

/// One customer of a provider has a whole /64 of IPv6 addresses (RFC 6177).
fn network(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    #[track_caller]
    fn check(hops: u8, forwarded: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().expect("is a header"));
        }
        headers.insert("x-real-ip", "198.51.100.9".parse().expect("is a header"));
        let expected: IpAddr = expected.parse().expect("is an address");
        assert_eq!(TrustedHops(hops).client(PEER, &headers), expected, "{hops} {forwarded:?}");
    }

    #[test]
    fn without_a_trusted_proxy_the_peer_is_the_client() {
        check(0, &[], "192.0.2.1");
        check(0, &["203.0.113.7"], "192.0.2.1");
    }

    #[test]
    fn the_outermost_trusted_proxy_names_the_client() {
        check(1, &["203.0.113.7"], "203.0.113.7");
        check(1, &["6.6.6.6, 203.0.113.7"], "203.0.113.7");
        check(2, &["6.6.6.6, 203.0.113.7", "10.0.0.1"], "203.0.113.7");
        check(1, &["203.0.113.7:4711"], "203.0.113.7");
        check(1, &["[2001:db8::1]:80"], "2001:db8::1");
    }

    #[test]
    fn a_request_past_the_proxies_is_its_peers_own() {
        check(2, &["203.0.113.7"], "192.0.2.1");
        check(1, &[], "192.0.2.1");
        check(1, &["unknown"], "192.0.2.1");
        check(1, &[""], "192.0.2.1");
    }

    #[test]
    fn a_client_is_allowed_so_many() {
        let account = Account::per_minute(3);
        let allowed = (0..5).filter(|_| account.allows(PEER)).count();
        assert_eq!(allowed, 3);
        assert!(account.allows("192.0.2.2".parse().expect("is an address")), "another client has its own");
    }

    #[test]
    fn a_customers_network_is_one_client() {
        let account = Account::per_minute(1);
        assert!(account.allows("2001:db8:0:1::1".parse().expect("is an address")));
        assert!(!account.allows("2001:db8:0:1::2".parse().expect("is an address")));
        assert!(account.allows("2001:db8:0:2::1".parse().expect("is an address")));
    }

    #[test]
    fn a_flood_of_clients_fills_no_memory() {
        let account = Account::per_minute(1);
        let client = |number: u32| IpAddr::V4(std::net::Ipv4Addr::from_bits(number));
        for number in 0..30_000 {
            account.allows(client(number));
        }
        assert!(account.limiter.len() <= limits::CLIENTS_MAX + 1, "{}", account.limiter.len());
        assert!(!account.allows(client(40_000)), "who comes late shares an account");
    }
}
