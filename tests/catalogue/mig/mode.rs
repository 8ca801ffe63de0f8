//! MIG mode: what turns it on, and what survives what.

use super::{A100, H100, geometry};
use warpshare::mig::{Device, Mode, Refusal};

#[test]
fn ampere_needs_a_reset_for_mig_mode_and_keeps_it() {
    let mut gpu = Device::new(geometry(A100));
    let refusal = gpu.create("1g", None).expect_err("off");
    assert!(matches!(refusal, Refusal::ModeOff { .. }));
    gpu.attach_client();
    let mode = gpu.set_mode(true).expect("pending is no error");
    assert_eq!(
        mode,
        Mode {
            current: false,
            pending: true
        }
    );
    let refusal = gpu.create("1g", None).expect_err("pending");
    assert!(refusal.to_string().contains("pending"), "{refusal}");
    assert!(matches!(
        gpu.reset(),
        Err(Refusal::HeldByClient { clients: 1, .. })
    ));
    assert!(gpu.instances_mut().is_err());
    gpu.detach_client();
    gpu.reset().expect("idle");
    gpu.create("3g", None).expect("on");
    // Instances survive neither reset nor reboot; the mode survives both.
    gpu.reset().expect("idle");
    assert!(gpu.instances().placed().is_empty());
    gpu.create("3g", None).expect("on");
    let on = Mode {
        current: true,
        pending: true,
    };
    assert_eq!(gpu.reboot(), on);
    assert!(gpu.instances().placed().is_empty());
    assert_eq!(gpu.reload_driver(), Ok(on));
    // A client in a compute instance keeps the mode on until a reset.
    gpu.create("3g", None).expect("on");
    let inside = gpu.instances_mut().expect("on");
    inside.create_compute(4, None).expect("empty");
    inside.attach(4, 0).expect("it exists");
    assert_eq!(
        gpu.set_mode(false),
        Ok(Mode {
            current: true,
            pending: false
        })
    );
    assert!(matches!(
        gpu.reset(),
        Err(Refusal::ComputeInUse { clients: 1, .. })
    ));
    let off = Mode {
        current: false,
        pending: false,
    };
    assert_eq!(gpu.reboot(), off);
}

#[test]
fn hopper_switches_at_once_and_forgets_with_the_driver() {
    for id in [H100, "b200-sxm-180gb"] {
        let mut gpu = Device::new(geometry(id));
        gpu.attach_client();
        assert!(matches!(
            gpu.set_mode(true),
            Err(Refusal::HeldByClient { .. })
        ));
        assert_eq!(
            gpu.mode(),
            Mode {
                current: false,
                pending: false
            }
        );
        gpu.detach_client();
        let on = Mode {
            current: true,
            pending: true,
        };
        assert_eq!(gpu.set_mode(true), Ok(on), "without a reset");
        gpu.create("3g", None).expect("on");
        assert_eq!(gpu.reset(), Ok(on));
        assert!(gpu.instances().placed().is_empty());
        gpu.create("3g", None).expect("on");
        let off = Mode {
            current: false,
            pending: false,
        };
        assert_eq!(gpu.reload_driver(), Ok(off));
        assert!(gpu.instances().placed().is_empty());
        gpu.set_mode(true).expect("idle");
        assert_eq!(gpu.reboot(), off);
    }
}
