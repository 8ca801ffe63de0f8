//! GPU instances, compute instances, fitting, reconfiguration and MIG mode: the rules one by one.

use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use warpshare::catalog::Catalog;
use warpshare::mig::{
    Assumption, COMPUTE_CREATE, COMPUTE_DESTROY, Driver, Durations, EngineKind, Fit, Geometry,
    GeometryError, GpuInstances, INSTANCE_CREATE, INSTANCE_DESTROY, Kind, PLACEMENTS, Placed,
    Refusal, Request, START_RULE, fit, parse_requests,
};

const A100: &str = "a100-sxm4-40gb";
const H100: &str = "h100-sxm5-80gb";
const PRO: &str = "rtx-pro-6000-blackwell-se";

static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::builtin().expect("the catalogue is well formed"));

fn geometry(id: &str) -> Arc<Geometry> {
    Arc::new(Geometry::of(&CATALOG, id).expect("the GPU has MIG"))
}

/// A GPU with these instances, all with starts.
fn with(id: &str, existing: &str) -> GpuInstances {
    let mut gpu = GpuInstances::new(geometry(id));
    for request in list(existing) {
        gpu.request(&request).expect("it fits");
    }
    gpu
}

fn list(text: &str) -> Vec<Request> {
    parse_requests(text).expect("a list of requests")
}

fn names(placed: &[Placed]) -> Vec<String> {
    placed.iter().map(Placed::to_string).collect()
}

#[test]
fn profiles_answer_to_name_short_name_and_number() {
    let a100 = geometry(A100);
    for (text, name) in [
        ("3g.20gb", "3g.20gb"),
        ("3G.20GB", "3g.20gb"),
        ("3g", "3g.20gb"),
        ("1g", "1g.5gb"), // not the double-memory 1g.10gb
        ("1g+me", "1g.5gb+me"),
        ("19", "1g.5gb"),
        ("0", "7g.40gb"),
    ] {
        assert_eq!(a100.profile(text).map(|p| p.name()), Some(name), "{text}");
    }
    // The same number is another profile elsewhere.
    assert_eq!(
        geometry("a30").profile("14").map(|p| p.name()),
        Some("1g.6gb")
    );
    assert_eq!(a100.profile("14").map(|p| p.name()), Some("2g.10gb"));
    let pro = geometry(PRO);
    for text in ["1g+gfx", "1g-me", "1g+me.all"] {
        assert_eq!(pro.profile(text).map(|p| p.short_name()), Some(text.into()));
    }
    assert_eq!(pro.profile("3g"), None);
    assert_eq!(pro.profile(""), None);
}

#[test]
fn kinds_follow_from_the_table() {
    let kind = |id: &str, name: &str| geometry(id).profile(name).map(|p| p.kind);
    assert_eq!(kind(A100, "1g.5gb"), Some(Kind::Standard));
    assert_eq!(kind(A100, "1g.10gb"), Some(Kind::DoubleMemory));
    assert_eq!(kind("a100-sxm4-80gb", "1g.10gb"), Some(Kind::Standard));
    assert_eq!(kind(A100, "1g.5gb+me"), Some(Kind::MediaExtended));
    assert_eq!(kind(PRO, "1g.24gb+me.all"), Some(Kind::AllMedia));
    assert_eq!(kind(PRO, "2g.48gb-me"), Some(Kind::WithoutMedia));
    assert_eq!(kind(PRO, "4g.96gb+gfx"), Some(Kind::Graphics));
    for id in CATALOG.gpus_with_mig() {
        let standard = geometry(id);
        let standard = standard
            .profiles()
            .iter()
            .filter(|p| p.kind == Kind::Standard);
        let slices: BTreeSet<u32> = standard.clone().map(|p| p.facts.compute_slices).collect();
        assert_eq!(
            standard.count(),
            slices.len(),
            "{id}: one for each number of slices"
        );
    }
}

#[test]
fn gpus_without_mig_have_no_geometry() {
    assert_eq!(
        Geometry::of(&CATALOG, "a40"),
        Err(GeometryError::NoMig("a40".into()))
    );
    let unknown = Geometry::of(&CATALOG, "a4o");
    assert_eq!(unknown, Err(GeometryError::UnknownGpu("a4o".into())));
}

#[test]
fn boards_without_a_published_table_use_the_named_assumption() {
    for id in CATALOG.gpus_with_mig() {
        let halves = [
            "rtx-pro-5000-blackwell-48gb",
            "rtx-pro-4500-blackwell-32gb",
            "rtx-pro-4500-blackwell-se",
            "rtx-pro-6000d-84gb",
        ];
        assert_eq!(
            geometry(id).placements_assumed,
            halves.contains(&id),
            "{id}"
        );
    }
    let geometry = geometry("rtx-pro-5000-blackwell-48gb");
    for profile in geometry.profiles() {
        let once = matches!(profile.kind, Kind::MediaExtended | Kind::AllMedia);
        let most = if once { 1 } else { profile.starts.len() as u32 };
        assert_eq!(profile.facts.max_instances, most, "{}", profile.name());
    }
    let fits = |text: &str| {
        matches!(
            fit(&GpuInstances::new(geometry.clone()), &list(text)),
            Fit::Fits(_)
        )
    };
    assert!(fits("1g,1g+gfx"));
    assert!(fits("1g+me.all,1g-me"));
    assert!(!fits("1g+me.all,1g")); // engines
    assert!(!fits("1g,2g"));
}

#[test]
fn assumptions_have_keys_values_and_evidence() {
    let all: [Assumption; 6] = [
        START_RULE,
        PLACEMENTS,
        INSTANCE_CREATE,
        INSTANCE_DESTROY,
        COMPUTE_CREATE,
        COMPUTE_DESTROY,
    ];
    let keys: BTreeSet<&str> = all.iter().map(|a| a.key).collect();
    assert_eq!(keys.len(), all.len());
    let page = include_str!("../../docs/mig.md");
    for a in all {
        assert!(a.key.starts_with("mig."));
        assert!(
            page.contains(&format!("`{}`", a.key)),
            "{} is documented",
            a.key
        );
        assert!(!a.evidence.is_empty() && !a.about.is_empty());
    }
    let steps = Durations::default();
    for (ns, a) in [
        (steps.instance_create_ns, INSTANCE_CREATE),
        (steps.instance_destroy_ns, INSTANCE_DESTROY),
        (steps.compute_create_ns, COMPUTE_CREATE),
        (steps.compute_destroy_ns, COMPUTE_DESTROY),
    ] {
        assert_eq!(format!("{}ms", ns / 1_000_000), a.default);
    }
}

/// The table of docs/mig.md: requests in order, and the starts that they get.
#[test]
fn the_documented_examples_are_computed() {
    let page = include_str!("../../docs/mig.md");
    let mut lines = 0;
    for line in page.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [board, requests, starts, _] = cells[..] else {
            continue;
        };
        let id = match board {
            "A100 40 GB" => A100,
            "H100 PCIe" => "h100-pcie-80gb",
            "H100 NVL" => "h100-nvl-94gb",
            "A30" => "a30",
            "RTX PRO 6000" => PRO,
            _ => continue,
        };
        let mut gpu = GpuInstances::new(geometry(id));
        let got: Vec<String> = list(requests)
            .iter()
            .map(|request| match gpu.request(request) {
                Ok(placed) => placed.start.to_string(),
                Err(_) => "refused".to_owned(),
            })
            .collect();
        assert_eq!(
            starts
                .replace(" (not logged)", "")
                .replace(" (logged: 0, 4)", ""),
            got.join(", "),
            "{line}"
        );
        lines += 1;
    }
    assert_eq!(lines, 10);
}

#[test]
fn a_partition_says_what_a_simulator_needs() {
    let mut gpu = GpuInstances::new(geometry(A100));
    gpu.create("3g", None).expect("it fits");
    let part = gpu.partition(4).expect("it is there");
    assert_eq!(
        (part.profile.as_str(), part.start, part.size),
        ("3g.20gb", 4, 4)
    );
    assert_eq!((part.memory_slices, part.memory_slices_total), (4, 8));
    assert_eq!((part.compute_slices, part.compute_slices_total), (3, 7));
    assert_eq!((part.sm_count, part.memory_gib), (Some(42), Some(19.5)));
    assert_eq!(part.engines.get(EngineKind::Copy), Some(3));
    assert_eq!(part.engines.get(EngineKind::OpticalFlow), Some(0));
    assert!(!part.graphics);
    assert_eq!(gpu.partition(0), None);
    let mut b200 = GpuInstances::new(geometry("b200-sxm-180gb"));
    b200.create("3g", None).expect("it fits");
    let part = b200.partition(4).expect("it is there");
    assert_eq!((part.sm_count, part.memory_gib), (None, None));
}

#[test]
fn destroying_frees_the_place_and_nothing_moves() {
    let mut gpu = with(A100, "1g@0,1g@4");
    assert!(matches!(
        gpu.create("3g", None),
        Err(Refusal::Fragmented { .. })
    ));
    gpu.destroy(0).expect("idle");
    assert_eq!(gpu.create("3g", None).map(|p| p.start), Ok(0));
    assert_eq!(names(&gpu.placed()), ["3g.20gb@0", "1g.5gb@4"]);
    let missing = gpu.destroy(5).expect_err("nothing starts there");
    assert_eq!(
        missing.to_string(),
        "no GPU instance starts at 5; existing: 3g.20gb@0 and 1g.5gb@4"
    );
}

#[test]
fn engines_are_counted_against_the_board() {
    // One +me on the board; all the others go without, and -me takes nothing.
    let mut gpu = with(PRO, "1g+me.all@0");
    for refused in ["1g", "1g+gfx", "1g+me", "2g"] {
        let refusal = gpu.create(refused, None).expect_err("no engines left");
        assert!(
            matches!(refusal, Refusal::Engine { .. }),
            "{refused}: {refusal}"
        );
        assert!(refusal.to_string().contains("must be `-me`"), "{refusal}");
    }
    gpu.create("2g-me", Some(6)).expect("needs no media engine");
    gpu.create("1g-me", Some(3)).expect("needs no media engine");
    // JPEG and optical flow exist once on the A30, also for two different +me profiles.
    let mut gpu = with("a30", "1g+me@0");
    let Err(Refusal::Engine { lacking, .. }) = gpu.create("2g+me", Some(2)) else {
        panic!("both claim the JPEG engine");
    };
    let kinds: Vec<EngineKind> = lacking.iter().map(|l| l.kind).collect();
    assert_eq!(kinds, [EngineKind::Jpeg, EngineKind::OpticalFlow]);
    gpu.create("2g", Some(2))
        .expect("without extensions it fits");
    // Graphics instances sit beside plain ones.
    with(PRO, "2g+gfx@0,1g@6,1g+gfx@9");
}

#[test]
fn drivers_that_are_too_old_are_refused() {
    let on = |id: &str, driver: &str, profile: &str| {
        let driver = Driver::parse(driver);
        assert!(driver.is_some());
        GpuInstances::new(geometry(id))
            .with_driver(driver)
            .create(profile, None)
    };
    let said = |refused: Result<Placed, Refusal>| refused.expect_err("too old").to_string();
    assert_eq!(
        said(on(H100, "R520", "1g")),
        "MIG on NVIDIA H100 80GB HBM3 needs driver R525 or newer, not R520"
    );
    assert_eq!(
        said(on(A100, "510.47.03", "1g.10gb")),
        "`1g.10gb` needs driver R525 or newer, not R510"
    );
    assert!(on(A100, "470", "1g+me").is_ok());
    assert!(on(A100, "R450", "1g").is_ok());
    for (id, first) in [
        ("a100-pcie-80gb", Some("R450")),
        ("a30", Some("R460")),
        ("h100-nvl-94gb", Some("R525")),
        ("h20-96gb", Some("R535")),
        ("h200-nvl-141gb", Some("R550")),
        ("b200-sxm-180gb", Some("R570")),
        ("gb200-186gb", Some("R570")),
        ("b300-sxm-288gb", Some("R580")),
        ("gb300-288gb", Some("R595")),
        (PRO, Some("R575")),
        ("gh200-96gb", None),
    ] {
        let found = geometry(id).min_driver.map(|d| d.to_string());
        assert_eq!(found.as_deref(), first, "{id}");
    }
    for bad in ["", "R", "525.x", "525.", "12", "new"] {
        assert_eq!(Driver::parse(bad), None, "{bad}");
    }
}

#[test]
fn compute_instances_share_a_gpu_instance() {
    let mut gpu = with(A100, "3g@4,1g@0");
    // The default is the whole instance.
    let whole = gpu.create_compute(4, None).expect("empty");
    assert_eq!(
        (whole.profile.as_str(), whole.sm_count),
        ("3g.20gb", Some(42))
    );
    assert!(matches!(
        gpu.create_compute(4, None),
        Err(Refusal::MaxCompute { most: 1, .. })
    ));
    assert!(matches!(
        gpu.create_compute(4, Some("1c")),
        Err(Refusal::ComputeSlices {
            needs: 1,
            free: 0,
            ..
        })
    ));
    gpu.destroy_compute(4, 0).expect("idle");
    // By name, short name and number; ordinals are the lowest free.
    for (ordinal, name) in ["1c.3g.20gb", "1c", "0"].into_iter().enumerate() {
        let made = gpu.create_compute(4, Some(name)).expect("it fits");
        assert_eq!((made.ordinal as usize, made.sm_count), (ordinal, Some(14)));
    }
    gpu.destroy_compute(4, 1).expect("idle");
    assert!(matches!(
        gpu.create_compute(4, Some("2c")),
        Err(Refusal::ComputeSlices {
            needs: 2,
            free: 1,
            ..
        })
    ));
    assert_eq!(
        gpu.create_compute(4, Some("1c")).map(|ci| ci.ordinal),
        Ok(1)
    );
    let refusal = gpu
        .create_compute(4, Some("5c"))
        .expect_err("no such profile");
    assert_eq!(
        refusal.to_string(),
        "`3g.20gb@4` has no compute-instance profile `5c`; it has 1c.3g.20gb, 2c.3g.20gb and 3g.20gb"
    );
    assert!(matches!(
        gpu.create_compute(5, None),
        Err(Refusal::NoInstance { start: 5, .. })
    ));
    assert!(matches!(
        gpu.destroy_compute(4, 9),
        Err(Refusal::NoCompute { ordinal: 9, .. })
    ));
    assert!(matches!(gpu.detach(4, 0), Err(Refusal::NoClient { .. })));
}

#[test]
fn sms_bind_where_they_are_not_proportional_to_slices() {
    let mut gpu = with(H100, "2g@0");
    // Two profiles of one name: the number tells them apart, the name means the first.
    let small = gpu.create_compute(0, Some("1c.2g.20gb")).expect("it fits");
    assert_eq!((small.profile_id, small.sm_count), (Some(0), Some(16)));
    let refusal = gpu.create_compute(0, Some("7")).expect_err("26 of 16 SMs");
    assert_eq!(
        refusal.to_string(),
        "`1c.2g.20gb` needs 26 SMs, and `2g.20gb@0` has 16 left"
    );
    gpu.destroy_compute(0, 0).expect("idle");
    assert_eq!(
        gpu.create_compute(0, Some("7")).map(|ci| ci.sm_count),
        Ok(Some(26))
    );
}

#[test]
fn boards_without_a_list_have_the_default_compute_instance_only() {
    let mut gpu = with("h20-96gb", "3g@0");
    let refusal = gpu.create_compute(0, Some("1c")).expect_err("not known");
    assert!(matches!(refusal, Refusal::ComputeUnknown { .. }));
    assert!(refusal.to_string().contains("not known"), "{refusal}");
    let whole = gpu.create_compute(0, None).expect("always possible");
    assert_eq!(
        (whole.profile.as_str(), whole.compute_slices),
        ("3g.48gb", 3)
    );
    assert_eq!((whole.profile_id, whole.sm_count), (None, None));
    assert!(matches!(
        gpu.create_compute(0, None),
        Err(Refusal::MaxCompute { .. })
    ));
}

#[test]
fn existing_instances_bound_what_fits() {
    let state = with(A100, "1g@6");
    assert_eq!(state.free("3g"), 1);
    assert_eq!(state.free("7g"), 0);
    assert_eq!(state.possible_starts("2g"), [0, 2, 4]);
    let Fit::No(why) = fit(&state, &list("3g,3g")) else {
        panic!("one half is taken");
    };
    assert_eq!(names(&why.placed), ["3g.20gb@0"]);
    assert_eq!((&why.other_order, &why.with_starts), (&None, &None));
    assert_eq!(
        names(&state.placed()),
        ["1g.5gb@6"],
        "asking changes nothing"
    );
}

#[test]
fn starts_can_help_where_no_order_does() {
    // The driver puts a lone 1g at 6, which leaves no place for a double-memory instance there.
    let requests = list("1g,1g.10gb@6");
    let Fit::No(why) = fit(&GpuInstances::new(geometry(A100)), &requests) else {
        panic!("1g goes to 6");
    };
    assert_eq!(why.other_order.map(|o| o.order), Some(vec![1, 0]));
    assert_eq!(
        why.with_starts.map(|p| names(&p)),
        Some(vec!["1g.5gb@0".to_owned(), "1g.10gb@6".to_owned(),])
    );
}

#[test]
fn lists_that_are_too_long_are_answered_at_once() {
    let requests = vec![Request::new("1g", None); 5_000];
    let Fit::No(why) = fit(&GpuInstances::new(geometry(A100)), &requests) else {
        panic!("seven at most");
    };
    assert_eq!(why.failing, 7);
    assert_eq!(why.with_starts, None);
}

#[test]
fn requests_that_are_no_lists_are_refused() {
    for bad in ["3g@", "@4", "3g@x", "3g@-1", "3g@4@4", "1g,,2g@"] {
        assert!(parse_requests(bad).is_err(), "{bad}");
    }
    assert_eq!(parse_requests(" ,; \n"), Ok(vec![]));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    /// Whatever is created and destroyed: no overlap, listed starts, no more than `max_instances`,
    /// and what is refused leaves everything as it was.
    #[test]
    fn states_stay_valid(board in 0_usize..23, steps in prop::collection::vec((0_usize..11, 0_u32..14), 1..40)) {
        let ids = CATALOG.gpus_with_mig();
        let mut gpu = GpuInstances::new(geometry(ids[board]));
        for (profile, start) in steps {
            let before = gpu.clone();
            let profiles = gpu.geometry().profiles();
            let name = profiles[profile % profiles.len()].name().to_owned();
            let done = match start {
                12 => gpu.create(&name, None).map(|_| ()),
                13 => {
                    let first = gpu.placed().first().map_or(0, |p| p.start);
                    gpu.destroy(first).map(|_| ())
                }
                start => gpu.create(&name, Some(start)).map(|_| ()),
            };
            if let Err(refusal) = done {
                prop_assert_eq!(&gpu, &before);
                prop_assert!(!refusal.to_string().is_empty());
            }
            let placed = gpu.placed();
            for (at, one) in placed.iter().enumerate() {
                let profile = gpu.geometry().profile(&one.profile).expect("its own");
                prop_assert!(profile.starts.contains(&one.start));
                prop_assert!(one.start + one.size <= gpu.geometry().units);
                if let Some(next) = placed.get(at + 1) {
                    prop_assert!(one.start + one.size <= next.start);
                }
                let alike = placed.iter().filter(|p| p.profile == one.profile).count();
                prop_assert!(alike <= profile.facts.max_instances as usize);
            }
            let compute: u32 = gpu.instances().iter().map(|gi| gpu.profile_of(gi).facts.compute_slices).sum();
            prop_assert!(compute <= gpu.geometry().compute_slices);
        }
    }

    /// What `fit` promises holds: the order it names works, and so do the starts.
    #[test]
    fn fit_keeps_its_promises(wanted in prop::collection::vec(0_usize..7, 1..8)) {
        let state = GpuInstances::new(geometry(A100));
        let profiles = state.geometry().profiles();
        let requests: Vec<Request> = wanted
            .iter()
            .map(|&at| Request::new(profiles[at].name(), None))
            .collect();
        match fit(&state, &requests) {
            Fit::Fits(placed) => prop_assert_eq!(placed.len(), requests.len()),
            Fit::No(why) => {
                prop_assert_eq!(why.placed.len(), why.failing);
                if let Some(other) = &why.other_order {
                    let reordered: Vec<Request> =
                        other.order.iter().map(|&at| requests[at].clone()).collect();
                    prop_assert_eq!(fit(&state, &reordered), Fit::Fits(other.placed.clone()));
                    prop_assert!(why.with_starts.is_some());
                }
                if let Some(placed) = &why.with_starts {
                    let pinned: Vec<Request> = placed
                        .iter()
                        .map(|p| Request::new(p.profile.clone(), Some(p.start)))
                        .collect();
                    prop_assert_eq!(fit(&state, &pinned), Fit::Fits(placed.clone()));
                }
            }
        }
    }
}

mod counts;
mod mode;
mod plans;
