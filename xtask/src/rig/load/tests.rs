//! wrk's report.

use super::{Load, read};

const GOOD: &str = "Running 2s test @ http://10.77.0.2/\n  1 threads and 16 connections\n  Thread Stats   Avg      Stdev     Max   +/- Stdev\n    \
    Latency   812.83us  128.21us   4.52ms   93.27%\n    Req/Sec    19.83k     1.06k   20.53k    95.24%\n  \
    41427 requests in 2.10s, 3.67MB read\nRequests/sec:  19730.63\nTransfer/sec:      1.75MB\n";

#[test]
fn all_went_well() {
    assert_eq!(read(GOOD), Some(Load { requests: 41427.0, per_second: 19730.63, errors: 0, timeouts: 0 }));
}

#[test]
fn errors_are_counted() {
    let text = GOOD.replace(
        "Requests/sec:",
        "  Socket errors: connect 1, read 20, write 0, timeout 300\n  Non-2xx or 3xx responses: 4000\nRequests/sec:",
    );
    assert_eq!(read(&text).map(|load| (load.errors, load.timeouts)), Some((4321, 300)));
}

#[test]
fn no_report() {
    assert_eq!(read("unable to connect to 10.77.0.2:80 Connection refused\n"), None);
}
