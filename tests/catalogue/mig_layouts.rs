//! Every row of `tests/data/mig_layouts.csv`: the maximal layouts come out of the enumerator, logged
//! examples come out of the placement rule, and every refusal is refused for the reason noted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use warpshare::catalog::Catalog;
use warpshare::mig::{
    Device, Driver, EngineKind, Fit, Geometry, GpuInstances, Kind, Layout, Placed, Refusal,
    Request, fit, maximal_layouts, parse_requests,
};

type Row = BTreeMap<String, String>;

fn rows() -> Vec<Row> {
    let text = include_str!("../data/mig_layouts.csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("rows of equal length")
}

fn of_kind(kind: &str) -> Vec<Row> {
    rows().into_iter().filter(|r| r["kind"] == kind).collect()
}

fn catalog() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> =
        LazyLock::new(|| Catalog::builtin().expect("the catalogue is well formed"));
    &CATALOG
}

fn geometry(id: &str) -> Arc<Geometry> {
    Arc::new(Geometry::of(catalog(), id).expect("the GPU has MIG"))
}

fn undivided(id: &str) -> GpuInstances {
    GpuInstances::new(geometry(id))
}

fn gpus(row: &Row) -> Vec<&str> {
    row["gpu_ids"]
        .split(';')
        .filter(|id| !id.is_empty())
        .collect()
}

fn instances(row: &Row) -> Vec<Request> {
    parse_requests(&row["instances"]).expect("a list of instances")
}

/// The column `profiles`: `3g.20gbx1;2g.10gbx2`.
fn profiles(row: &Row) -> BTreeMap<String, usize> {
    row["profiles"]
        .split(';')
        .filter(|item| !item.is_empty())
        .map(|item| {
            let (name, number) = item.rsplit_once('x').expect("a number");
            (name.to_owned(), number.parse().expect("a number"))
        })
        .collect()
}

fn counted<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for name in names {
        *counted.entry(name.to_owned()).or_insert(0) += 1;
    }
    counted
}

fn text(placed: &[Placed]) -> BTreeSet<String> {
    placed.iter().map(Placed::to_string).collect()
}

#[test]
fn every_kind_of_row_has_its_test() {
    let rows = rows();
    let number = counted(rows.iter().map(|r| r["kind"].as_str()));
    let expected = [
        ("default_config", 97),
        ("default_config_too_big", 5),
        ("documented_example", 9),
        ("maximal", 223),
        ("maximal_with_double_memory", 59),
        ("rejected", 23),
        ("rejected_engine", 2),
        ("rejected_order", 1),
        ("rejected_rule", 4),
    ];
    let expected = expected.map(|(kind, n)| (kind.to_owned(), n));
    assert_eq!(number, BTreeMap::from(expected));
}

/// The enumerator's layouts and the table's are the same sets, and agree on what they use.
fn compare(id: &str, found: &[Layout], rows: &[Row]) {
    assert_eq!(found.len(), rows.len(), "{id}");
    let mut left: Vec<&Layout> = found.iter().collect();
    for row in rows {
        let wanted = profiles(row);
        let at: BTreeSet<String> = instances(row).iter().map(Request::to_string).collect();
        let same = left.iter().position(|layout| {
            let names = layout.instances.iter().map(|p| p.profile.as_str());
            // Two boards have no published starts: there the profiles alone are compared.
            counted(names) == wanted && (at.is_empty() || text(&layout.instances) == at)
        });
        let Some(same) = same else {
            panic!("{id}: no layout {}", row["layout_id"]);
        };
        let layout = left.remove(same);
        let number = |column: &str| row[column].parse::<u32>().expect("a number");
        assert_eq!(layout.units_used, number("memory_units_used"));
        assert_eq!(layout.units_total, number("memory_units_total"));
        assert_eq!(layout.compute_slices_used, number("compute_slices_used"));
        assert_eq!(layout.compute_slices_total, number("compute_slices_total"));
    }
    assert!(left.is_empty(), "{id}: {left:?}");
}

#[test]
fn maximal_layouts_are_those_of_the_table() {
    let rows = of_kind("maximal");
    let mut families: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &rows {
        *families.entry(&row["gpu_family"]).or_insert(0) += 1;
    }
    assert_eq!(families.len(), 15);
    assert_eq!(families["A100-40GB"], 19);
    assert_eq!(families["A30"], 5);
    assert_eq!(families["RTX-PRO-6000"], 5);
    let mut boards = 0;
    for id in catalog().gpus_with_mig() {
        let of_board: Vec<Row> = rows
            .iter()
            .filter(|row| gpus(row).contains(&id))
            .cloned()
            .collect();
        if of_board.is_empty() {
            continue; // checked against a board of the same family below
        }
        boards += 1;
        compare(
            id,
            &maximal_layouts(&geometry(id), &[Kind::Standard]),
            &of_board,
        );
    }
    // Every board of the catalogue but the H20's and the like, which the next test covers.
    assert!(boards >= 20, "{boards}");
}

#[test]
fn boards_of_a_family_have_layouts_of_the_same_shape() {
    let shape = |id: &str| -> Vec<Vec<(u32, u32)>> {
        let layouts = maximal_layouts(&geometry(id), &[Kind::Standard]);
        let places = |l: &Layout| l.instances.iter().map(|p| (p.start, p.size)).collect();
        layouts.iter().map(places).collect()
    };
    for id in catalog().gpus_with_mig() {
        let family = match geometry(id).compute_slices {
            7 => "a100-sxm4-40gb",
            4 if id == "a30" => "a30",
            4 => "rtx-pro-6000-blackwell-se",
            _ => "rtx-pro-5000-blackwell-48gb",
        };
        assert_eq!(shape(id), shape(family), "{id}");
    }
}

#[test]
fn maximal_layouts_with_double_memory_are_those_of_the_table() {
    let rows = of_kind("maximal_with_double_memory");
    for id in ["a100-sxm4-40gb", "a100-pcie-40gb"] {
        let geometry = geometry(id);
        let all = maximal_layouts(&geometry, &[Kind::Standard, Kind::DoubleMemory]);
        let double = |layout: &&Layout| layout.instances.iter().any(|p| p.profile == "1g.10gb");
        let (with, without): (Vec<Layout>, Vec<Layout>) =
            all.into_iter().partition(|layout| double(&layout));
        compare(id, &with, &rows);
        // A double-memory instance never completes a layout that has none.
        assert_eq!(without, maximal_layouts(&geometry, &[Kind::Standard]));
    }
}

/// No layout hands out more than the board has, though only placement and engines are checked when
/// an instance is made.
#[test]
fn layouts_never_exceed_slices_sms_or_engines() {
    for id in catalog().gpus_with_mig() {
        let geometry = geometry(id);
        let sms = catalog().gpu(id).and_then(|gpu| gpu.sm_count);
        for layout in maximal_layouts(&geometry, &[Kind::Standard, Kind::DoubleMemory]) {
            let held: Vec<_> = layout
                .instances
                .iter()
                .map(|p| geometry.profile(&p.profile).expect("its own profile"))
                .collect();
            assert!(layout.compute_slices_used <= layout.compute_slices_total);
            assert!(layout.units_used <= layout.units_total);
            let memory: u32 = held.iter().map(|p| p.facts.memory_slices).sum();
            assert!(memory <= geometry.memory_slices, "{id}");
            let used: Option<u32> = held.iter().map(|p| p.facts.sm_count).sum();
            if let (Some(used), Some(sms)) = (used, sms) {
                assert!(used <= sms, "{id}: {used} of {sms}");
            }
        }
    }
}

/// `Request order 19,14,5 gave …`, `… 1g x4.`
fn logged_order(row: &Row) -> Option<Vec<Request>> {
    let after = row["notes"].split("Request order ").nth(1)?;
    let end = after.find([';', '.']).unwrap_or(after.len());
    let end = [" gave", " works"]
        .iter()
        .filter_map(|word| after.find(word))
        .fold(end, usize::min);
    let list = &after[..end];
    let list = match list.split_once(" x") {
        Some((name, times)) => [name].repeat(times.parse().expect("a number")).join(","),
        None => list.to_owned(),
    };
    Some(parse_requests(&list).expect("a list of requests"))
}

#[test]
fn logged_examples_come_out_of_the_placement_rule() {
    let mut without_order = 0;
    for row in of_kind("documented_example") {
        for id in gpus(&row) {
            let requests = logged_order(&row).unwrap_or_else(|| {
                without_order += 1;
                let names = profiles(&row).into_iter();
                names
                    .flat_map(|(name, n)| vec![Request::new(name, None); n])
                    .collect()
            });
            let Fit::Fits(placed) = fit(&undivided(id), &requests) else {
                panic!("{}: does not fit", row["layout_id"]);
            };
            let wanted: BTreeSet<String> = instances(&row).iter().map(Request::to_string).collect();
            assert_eq!(text(&placed), wanted, "{} on {id}", row["layout_id"]);
            let mut with_starts = undivided(id);
            for request in instances(&row) {
                with_starts.request(&request).expect("it was logged");
            }
            match row["layout_id"].as_str() {
                // "the first 1g went to start 6, the rest to 0..3"
                "a100-40gb-doc-2-1x5" => {
                    let starts: Vec<u32> = placed.iter().map(|p| p.start).collect();
                    assert_eq!(starts, [4, 6, 0, 1, 2, 3]);
                }
                // "every profile shows 0 free"
                "h100-94gb-doc-33" => {
                    for profile in with_starts.geometry().profiles() {
                        assert_eq!(with_starts.free(profile.name()), 0, "{}", profile.name());
                    }
                }
                // "start 3 is free"
                "h100-80gb-doc-3111" => assert_eq!(with_starts.free("1g"), 1),
                _ => {}
            }
        }
    }
    assert_eq!(without_order, 1);
}

#[test]
fn default_configurations_fit_the_boards_that_they_are_for() {
    let catalog = catalog();
    let mut fitted = 0;
    for row in of_kind("default_config") {
        let id_of_row = &row["layout_id"];
        let wanted = profiles(&row);
        match (id_of_row.as_str(), gpus(&row).as_slice()) {
            ("default-all-disabled" | "default-all-enabled", []) => {
                for id in catalog.gpus_with_mig() {
                    let mut device = Device::new(geometry(id));
                    let on = id_of_row == "default-all-enabled";
                    let mode = device.set_mode(on).expect("nobody holds it");
                    assert_eq!((mode.current, mode.pending), (on, on));
                    assert!(device.instances().instances().is_empty());
                    assert_eq!(device.create("1g", None).is_ok(), on, "{id}");
                }
            }
            (_, []) => {
                assert!(row["notes"].starts_with("No GPU row"), "{id_of_row}");
                for id in catalog.gpus_with_mig() {
                    let named = |name: &String| geometry(id).profile(name).is_some();
                    assert!(!wanted.keys().any(named), "{id_of_row} on {id}");
                }
            }
            (_, ids) => {
                for id in ids {
                    let list = instances(&row);
                    let Fit::Fits(placed) = fit(&undivided(id), &list) else {
                        panic!("{id_of_row} does not fit {id}");
                    };
                    if !list.is_empty() {
                        let names = placed.iter().map(|p| p.profile.as_str());
                        assert_eq!(counted(names), wanted, "{id_of_row}");
                    }
                    // The tool names profiles only: largest first, the driver finds the places.
                    let mut free: Vec<Request> = wanted
                        .iter()
                        .flat_map(|(name, &n)| vec![Request::new(name, None); n])
                        .collect();
                    free.reverse();
                    assert!(
                        matches!(fit(&undivided(id), &free), Fit::Fits(_)),
                        "{id_of_row} on {id}"
                    );
                    fitted += 1;
                }
            }
        }
    }
    assert!(fitted > 92, "{fitted}");
}

#[test]
fn default_configurations_for_other_boards_are_too_big() {
    for row in of_kind("default_config_too_big") {
        for id in gpus(&row) {
            let requests: Vec<Request> = profiles(&row)
                .iter()
                .flat_map(|(name, &n)| vec![Request::new(name, None); n])
                .collect();
            let Fit::No(why) = fit(&undivided(id), &requests) else {
                panic!("{} fits {id}", row["layout_id"]);
            };
            assert!(
                matches!(why.reason, Refusal::MaxInstances { .. }),
                "{why:?}"
            );
            assert_eq!((&why.other_order, &why.with_starts), (&None, &None));
        }
    }
}

/// What the refusal of each row must be.
fn expected(layout: &str, reason: &Refusal) -> bool {
    use Refusal as R;
    match layout {
        "a100-rej-01" => matches!(
            reason,
            R::Memory { free_units, free_compute: 1, .. } if free_units.is_empty()
        ),
        "a100-rej-10" => matches!(
            reason,
            R::Memory {
                free_compute: 0,
                ..
            }
        ),
        "a100-rej-02" => matches!(reason, R::NotInTable { valid, .. } if valid == &[0]),
        "a100-rej-05" => matches!(reason, R::NotInTable { valid, .. } if valid == &[0, 2, 4]),
        "a100-rej-06" => matches!(reason, R::NotInTable { valid, .. } if valid.len() == 7),
        "a30-rej-01" => matches!(reason, R::NotInTable { valid, .. } if valid == &[0, 2]),
        "rtx-pro-6000-rej-02" => matches!(reason, R::NotInTable { valid, .. } if valid == &[0, 6]),
        "a100-rej-03" | "a100-rej-11" | "gh200-rej-01" | "a30-rej-04" => {
            matches!(reason, R::MaxInstances { most: 1, .. })
        }
        "a100-rej-09" => matches!(reason, R::MaxInstances { most: 2, .. }),
        "a100-rej-08" => matches!(reason, R::MaxInstances { most: 3, .. }),
        "a100-rej-12" | "rtx-pro-6000-rej-06" => {
            matches!(reason, R::MaxInstances { most: 4, .. })
        }
        "a100-rej-07" => matches!(reason, R::MaxInstances { most: 7, .. }),
        "a100-rej-04" | "a30-rej-02" | "rtx-pro-6000-rej-01" => {
            matches!(reason, R::Fragmented { .. })
        }
        "a100-rej-15" => matches!(
            reason,
            R::Fragmented {
                free_compute: 5,
                ..
            }
        ),
        "a100-rej-16" => matches!(reason, R::Overlap { with, .. } if with.len() == 1),
        // Four 2-slice areas, all taken.
        "h100-rej-01" => matches!(reason, R::Memory { free_units, .. } if free_units.is_empty()),
        "a30-rej-03" => matches!(
            reason,
            R::NoSuchProfile {
                nearest: Some(_),
                ..
            }
        ),
        "rtx-pro-6000-rej-03" => matches!(
            reason,
            R::Engine { all_media: Some(_), lacking, .. } if lacking[0].kind == EngineKind::Decode
        ),
        "rtx-pro-6000-rej-04" => matches!(
            reason,
            R::Engine { lacking, .. } if lacking.iter().any(|l| l.kind == EngineKind::OpticalFlow)
        ),
        _ => false,
    }
}

#[test]
fn rejected_rows_are_refused_with_the_reason_in_words() {
    let mut said = String::new();
    for kind in ["rejected", "rejected_engine"] {
        for row in of_kind(kind) {
            let layout = &row["layout_id"];
            let requests = instances(&row);
            let last = requests.len() - 1;
            for (nth, id) in gpus(&row).into_iter().enumerate() {
                let Fit::No(why) = fit(&undivided(id), &requests) else {
                    panic!("{layout} fits {id}");
                };
                assert_eq!(why.failing, last, "{layout} on {id}");
                assert!(expected(layout, &why.reason), "{layout}: {:?}", why.reason);
                // No order and no starts help, and without the last everything fits.
                assert_eq!(
                    (&why.other_order, &why.with_starts),
                    (&None, &None),
                    "{layout}"
                );
                assert!(matches!(
                    fit(&undivided(id), &requests[..last]),
                    Fit::Fits(_)
                ));
                if nth == 0 {
                    said.push_str(&format!(
                        "{layout} ({})\n  {}\n",
                        row["instances"], why.reason
                    ));
                }
            }
        }
    }
    insta::assert_snapshot!("mig_refusals", said);
}

#[test]
fn the_rejected_order_is_refused_and_another_order_is_found() {
    for row in of_kind("rejected_order") {
        for id in gpus(&row) {
            let requests = instances(&row);
            let Fit::No(why) = fit(&undivided(id), &requests) else {
                panic!("the logged order failed");
            };
            // "the first 1g at 6 and the second at 4, so the later 3g found no free half"
            let placed: Vec<String> = why.placed.iter().map(Placed::to_string).collect();
            assert_eq!(placed, ["1g.5gb@6", "1g.5gb@4", "2g.10gb@0"]);
            assert_eq!(why.failing, 3);
            assert!(matches!(
                why.reason,
                Refusal::Memory { .. } | Refusal::Fragmented { .. }
            ));
            // "Asking for the 3g first works."
            let other = why.other_order.expect("an order works");
            assert_eq!(other.order, [3, 0, 1, 2]);
            assert_eq!(
                text(&other.placed),
                ["1g.5gb@0", "1g.5gb@1", "2g.10gb@2", "3g.20gb@4"]
                    .map(str::to_owned)
                    .into()
            );
            let starts = why.with_starts.expect("starts work");
            let explicit: Vec<Request> = starts
                .iter()
                .map(|p| Request::new(p.profile.clone(), Some(p.start)))
                .collect();
            assert!(matches!(fit(&undivided(id), &explicit), Fit::Fits(_)));
        }
    }
}

#[test]
fn rules_besides_placement_refuse_what_the_table_says() {
    for row in of_kind("rejected_rule") {
        for id in gpus(&row) {
            match row["layout_id"].as_str() {
                // 4g + 3g before R510
                "a100-rej-14" => {
                    let pair = |driver: &str| {
                        let driver = Driver::parse(driver);
                        assert!(driver.is_some());
                        let mut gpu = undivided(id).with_driver(driver);
                        gpu.create("4g.20gb", Some(0)).expect("alone it fits");
                        gpu.create("3g.20gb", Some(4))
                    };
                    let refusal = pair("470.57.02").expect_err("too old");
                    assert_eq!(
                        refusal.to_string(),
                        "`3g.20gb` beside `4g.20gb@0` needs driver R510 or newer, not R470"
                    );
                    pair("510.47.03").expect("new enough");
                }
                // a GI with a CI, a CI in use
                "a100-rej-17" => {
                    let mut gpu = undivided(id);
                    gpu.create("3g.20gb", None).expect("it fits");
                    gpu.create_compute(4, None).expect("it fits");
                    gpu.attach(4, 0).expect("it exists");
                    let refusal = gpu.destroy(4).expect_err("it has a compute instance");
                    assert!(refusal.to_string().contains("in use"), "{refusal}");
                    let refusal = gpu.destroy_compute(4, 0).expect_err("it has a client");
                    assert!(
                        refusal.to_string().contains("in use by 1 client"),
                        "{refusal}"
                    );
                    gpu.detach(4, 0).expect("one client");
                    gpu.destroy_compute(4, 0).expect("idle");
                    gpu.destroy(4).expect("empty");
                }
                // any GI while a client holds the GPU
                "a100-rej-18" => {
                    let mut device = Device::new(geometry(id));
                    device.set_mode(true).expect("nobody holds it");
                    device.attach_client();
                    let refusal = device.create("1g.5gb", None).expect_err("held");
                    assert!(matches!(refusal, Refusal::HeldByClient { clients: 1, .. }));
                    device.detach_client();
                    device.create("1g.5gb", None).expect("free");
                }
                // vGPU without graphics
                "rtx-pro-6000-rej-05" => {
                    let geometry = geometry(id);
                    let plain = geometry.profile("1g.24gb").expect("it exists");
                    let refusal = geometry.hosts_vgpus(plain).expect_err("no graphics");
                    assert!(refusal.to_string().contains("1g.24gb+gfx"), "{refusal}");
                    let graphics = geometry.profile("1g.24gb+gfx").expect("it exists");
                    geometry.hosts_vgpus(graphics).expect("graphics");
                }
                other => panic!("no test for {other}"),
            }
        }
    }
}
