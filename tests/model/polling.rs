//! Polling by hand: one server, three queues, switches of 100.

use crate::common::*;
use warpshare::gpu::Charge;
use warpshare::policy::Setting;

/// In all three the server comes to A and B without work at 0, and to C at 200, after a switch to B and one to C (the
/// first context is loaded for nothing); C is done at 1200. It is at A at 1300, where two pieces of 1000 wait since
/// 300 and 400, and a third comes at 1800. B's piece of 100 comes at 3350.
///
/// - *Gated*: both of A run side by side until 3300. B's comes during the switch to it, and runs from 3400 to 3500; C is
///   empty, the server there at 3600 and back at A at 3700.
/// - *Exhaustive*: A's third joins the two at 1800, when each of them has 750 left: at a third of the SMs they end at
///   4050 (a third is no whole rate: one more), and the third is alone with its last 250. Then B's.
/// - *Limited*: A's pieces run from 1300, 2600 and 4000 on, with visits to empty queues between them but for B's,
///   which runs from 3700.
#[test]
fn visits_by_hand() {
    for (service, expected) in [
        (0, ([3_300, 3_300, 4_700], [3_500], [1_200])),
        (1, ([4_051, 4_051, 4_301], [4_501], [1_200])),
        (2, ([2_300, 3_600, 5_000], [3_800], [1_200])),
    ] {
        let mut share = time_slice("polling", FOREVER);
        share.parameters = vec![("service", Setting::Whole(service))];
        let mut device = gpu(share);
        device.board.switch = switch(100, Charge::PerTenantChange);
        let mut a = guest("A", requests(&[(300, 1_000), (400, 1_000), (1_800, 1_000)]));
        a.streams = 3;
        let others = [
            guest("B", requests(&[(3_350, 100)])),
            guest("C", requests(&[(0, 1_000)])),
        ];
        let guests = [a].into_iter().chain(others).collect();
        let scenario = scenario(vec![device], guests, 100_000);
        let log = simulate(&scenario);
        let ends = |name| log.ends(&scenario, name);
        assert_eq!(ends("A"), expected.0, "{service}");
        assert_eq!(
            (ends("B"), ends("C")),
            (expected.1.to_vec(), expected.2.to_vec())
        );
    }
}
