use super::*;
use crate::catalog::Catalog;
use crate::workload::Needs;
use std::sync::LazyLock;

const NOTHING: Needs = Needs {
    cuda: false,
    graphics: false,
    encode: false,
};

fn catalog() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> =
        LazyLock::new(|| Catalog::builtin().expect("the catalogue is well formed"));
    &CATALOG
}

fn gpu(board: &str) -> GpuFacts {
    GpuFacts::from_catalog(catalog(), board, "g").expect("the board is known")
}

/// `count` VMs with one vGPU of each named type and number.
fn vms(guest: &str, count: u32, board: &str, vgpus: &[(&str, u32)]) -> Request {
    let catalog = catalog();
    let vgpus = vgpus.iter().map(|(name, number)| {
        let vgpu_type = catalog.vgpu_type(board, name).expect("the type is known");
        (vgpu_type.clone(), *number)
    });
    Request {
        guest: guest.into(),
        count,
        holds: Holding::Vgpus(vgpus.collect()),
        needs: NOTHING,
    }
}

fn contexts(guest: &str, count: u32) -> Request {
    Request {
        guest: guest.into(),
        count,
        holds: Holding::Context,
        needs: NOTHING,
    }
}

fn refusals(board: &str, requests: &[Request]) -> Vec<Refusal> {
    admit(&gpu(board), false, requests)
        .err()
        .unwrap_or_default()
}

fn rules(board: &str, requests: &[Request]) -> Vec<Rule> {
    refusals(board, requests).iter().map(|r| r.rule).collect()
}

fn needing(mut request: Request, needs: Needs) -> Request {
    request.needs = needs;
    request
}

/// Every documented time-sliced type may exist up to its maximum, and not once more.
#[test]
fn each_type_fits_up_to_its_maximum_and_no_further() {
    let catalog = catalog();
    let mut checked = 0;
    for board in catalog.gpus() {
        for vgpu_type in catalog.vgpu_types(&board.id) {
            let (Mode::TimeSliced, Some(most)) = (vgpu_type.mode, vgpu_type.max_per_gpu) else {
                continue;
            };
            let request = |count| vms("vm", count, &board.id, &[(&vgpu_type.type_name, 1)]);
            let name = &vgpu_type.type_name;
            assert_eq!(rules(&board.id, &[request(most)]), [], "{name} × {most}");
            let refused = rules(&board.id, &[request(most + 1)]);
            assert!(refused.contains(&Rule::MaxPerGpu), "{name} × {}", most + 1);
            checked += 1;
        }
    }
    assert!(checked > 300, "{checked}");
}

#[test]
fn series_of_one_size_mix_under_one_maximum() {
    let six = vms("a", 6, "a40", &[("A40-4Q", 1)]);
    assert_eq!(
        rules("a40", &[six.clone(), vms("b", 6, "a40", &[("A40-4C", 1)])]),
        []
    );
    let refused = refusals("a40", &[six, vms("b", 7, "a40", &[("A40-4C", 1)])]);
    let rules: Vec<_> = refused.iter().map(|r| r.rule).collect();
    assert_eq!(rules, [Rule::MaxPerGpu, Rule::FrameBuffer]);
    assert_eq!(refused[0].guests, ["a", "b"]);
    assert!(
        refused[0].problem.contains("13 vGPUs of 4096 MiB"),
        "{}",
        refused[0]
    );
    assert!(refused[1].problem.contains("53248 MiB"), "{}", refused[1]);
}

#[test]
fn sizes_must_be_equal_and_the_commoner_size_is_proposed() {
    let refused = refusals(
        "a40",
        &[
            vms("office", 5, "a40", &[("A40-4Q", 1)]),
            vms("cad", 1, "a40", &[("A40-8Q", 1)]),
        ],
    );
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].rule, Rule::EqualSize);
    assert_eq!(refused[0].guests, ["office", "cad"]);
    assert!(
        refused[0].remedy.contains("`A40-4Q` for `cad`"),
        "{}",
        refused[0]
    );
}

#[test]
fn a_smaller_type_is_proposed_when_too_many_are_wanted() {
    let refused = refusals("a40", &[vms("office", 14, "a40", &[("A40-4Q", 1)])]);
    assert!(refused[0].problem.contains("at most 12"), "{}", refused[0]);
    assert!(refused[0].remedy.contains("`A40-3Q`"), "{}", refused[0]);
}

#[test]
fn frame_buffer_is_never_oversubscribed() {
    let mut small = gpu("a40");
    small.frame_buffer_mib = 40_960;
    let ten = vms("vm", 10, "a40", &[("A40-4Q", 1)]);
    assert_eq!(admit(&small, false, &[ten]), Ok(()));
    let eleven = vms("vm", 11, "a40", &[("A40-4Q", 1)]);
    let refused = admit(&small, false, &[eleven]).unwrap_err();
    assert_eq!(refused[0].rule, Rule::FrameBuffer);
    assert!(refused[0].problem.contains("45056 MiB"), "{}", refused[0]);
}

#[test]
fn each_vgpu_takes_a_virtual_function() {
    let mut few = gpu("a40");
    few.vfs = Some(8);
    assert_eq!(
        admit(&few, false, &[vms("vm", 8, "a40", &[("A40-4Q", 1)])]),
        Ok(())
    );
    let refused = admit(&few, false, &[vms("vm", 9, "a40", &[("A40-4Q", 1)])]).unwrap_err();
    assert_eq!(refused[0].rule, Rule::VirtualFunctions);
    few.vfs = None;
    assert_eq!(
        admit(&few, false, &[vms("vm", 9, "a40", &[("A40-4Q", 1)])]),
        Ok(())
    );
}

#[test]
fn the_manager_handles_thirty_two() {
    let mut roomy = gpu("a40");
    roomy.vfs = None;
    roomy.frame_buffer_mib = 1 << 20;
    let mut request = vms("vm", 33, "a40", &[("A40-1Q", 1)]);
    if let Holding::Vgpus(vgpus) = &mut request.holds {
        vgpus[0].0.max_per_gpu = Some(64);
    }
    let refused = admit(&roomy, false, &[request.clone()]).unwrap_err();
    assert_eq!(
        refused.iter().map(|r| r.rule).collect::<Vec<_>>(),
        [Rule::ManagerCap]
    );
    request.count = 32;
    assert_eq!(admit(&roomy, false, &[request]), Ok(()));
}

#[test]
fn vgpus_and_contexts_exclude_each_other() {
    let vm = vms("vm", 1, "a40", &[("A40-4Q", 1)]);
    let refused = refusals("a40", &[vm.clone(), contexts("job", 2)]);
    assert_eq!(refused[0].rule, Rule::VgpuOrContext);
    assert_eq!(refused[0].guests, ["vm", "job"]);
    // A group without members is not there.
    assert_eq!(rules("a40", &[vm, contexts("job", 0)]), []);
    assert_eq!(rules("a40", &[contexts("job", 100)]), []);
}

#[test]
fn an_exclusive_gpu_has_one_tenant() {
    let gpu = gpu("a40");
    let one = vms("vm", 1, "a40", &[("A40-48Q", 1)]);
    assert_eq!(admit(&gpu, true, &[one]), Ok(()));
    assert_eq!(admit(&gpu, true, &[contexts("job", 1)]), Ok(()));
    let two = vms("vm", 1, "a40", &[("A40-24Q", 2)]);
    for requests in [
        vec![two],
        vec![contexts("job", 2)],
        vec![contexts("a", 1), contexts("b", 1)],
    ] {
        let refused = admit(&gpu, true, &requests).unwrap_err();
        assert_eq!(refused[0].rule, Rule::Exclusive);
        assert!(refused[0].problem.contains("2 tenants"), "{}", refused[0]);
    }
}

#[test]
fn a_vm_holds_vgpus_of_one_series() {
    let mixed = vms("vm", 1, "a40", &[("A40-4Q", 1), ("A40-4C", 1)]);
    assert_eq!(rules("a40", &[mixed]), [Rule::OneSeriesPerVm]);
    let pair = vms("vm", 1, "a40", &[("A40-4C", 2)]);
    assert_eq!(rules("a40", &[pair]), []);
}

#[test]
fn a_vm_holds_at_most_sixteen() {
    assert_eq!(rules("a40", &[vms("vm", 1, "a40", &[("A40-2Q", 16)])]), []);
    assert_eq!(
        rules("a40", &[vms("vm", 1, "a40", &[("A40-2Q", 17)])]),
        [Rule::VgpusPerVm]
    );
}

#[test]
fn a_and_b_series_stand_alone_in_their_vm() {
    for (name, other) in [("A40-2A", "A40-2Q"), ("A40-2B", "A40-2Q")] {
        assert_eq!(rules("a40", &[vms("vm", 4, "a40", &[(name, 1)])]), []);
        let refused = refusals("a40", &[vms("vm", 1, "a40", &[(name, 2)])]);
        assert_eq!(refused.len(), 1, "{name}");
        assert_eq!(refused[0].rule, Rule::SeriesAlonePerVm);
        assert!(refused[0].remedy.contains(other), "{}", refused[0]);
    }
}

#[test]
fn cuda_work_needs_q_or_c_series() {
    let cuda = Needs {
        cuda: true,
        ..NOTHING
    };
    for (name, refused) in [("A40-2Q", 0), ("A40-2B", 1), ("A40-2A", 1)] {
        let request = needing(vms("vm", 1, "a40", &[(name, 1)]), cuda);
        let found = refusals("a40", &[request]);
        assert_eq!(found.len(), refused, "{name}");
        for refusal in found {
            assert_eq!(refusal.rule, Rule::Cuda);
            assert_eq!(refusal.remedy, "use `A40-2Q` of the same size");
        }
    }
}

#[test]
fn graphics_work_is_refused_on_c_series() {
    let graphics = Needs {
        graphics: true,
        ..NOTHING
    };
    for name in ["A40-4Q", "A40-4A"] {
        assert_eq!(
            rules(
                "a40",
                &[needing(vms("vm", 1, "a40", &[(name, 1)]), graphics)]
            ),
            []
        );
    }
    let found = refusals(
        "a40",
        &[needing(vms("vm", 1, "a40", &[("A40-4C", 1)]), graphics)],
    );
    assert_eq!(found[0].rule, Rule::Graphics);
    assert_eq!(found[0].remedy, "use `A40-4Q` of the same size");
    // The A100 has compute types only: nothing to propose.
    let board = "a100-pcie-40gb";
    let found = refusals(
        board,
        &[needing(vms("vm", 1, board, &[("A100-4C", 1)]), graphics)],
    );
    assert!(
        found[0].remedy.starts_with("no type of 4096 MiB"),
        "{}",
        found[0]
    );
}

#[test]
fn encoding_needs_engines_that_are_known() {
    let encode = Needs {
        encode: true,
        ..NOTHING
    };
    assert_eq!(rules("a40", &[needing(contexts("job", 1), encode)]), []);
    let found = refusals("a100-pcie-40gb", &[needing(contexts("job", 1), encode)]);
    assert_eq!(found[0].rule, Rule::Encode);
    assert!(found[0].problem.contains("no NVENC engine"), "{}", found[0]);
    let found = refusals(
        "a2",
        &[needing(vms("vm", 1, "a2", &[("A2-1Q", 1)]), encode)],
    );
    assert!(found[0].problem.contains("not known"), "{}", found[0]);
    assert!(
        found[0].remedy.contains("`nvenc` as `[boards.a2]`"),
        "{}",
        found[0]
    );
}

#[test]
fn an_unknown_maximum_is_refused_with_the_key_that_supplies_it() {
    let found = refusals("a40", &[vms("vm", 1, "a40", &[("A40-3B", 1)])]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].rule, Rule::MaxPerGpu);
    assert!(
        found[0].remedy.contains("`[vgpu_types.a40.\"A40-3B\"]`"),
        "{}",
        found[0]
    );
}

#[test]
fn mig_types_need_instances_and_name_the_time_sliced_type() {
    let board = "a100-sxm4-40gb";
    let found = refusals(board, &[vms("vm", 1, board, &[("A100X-1-5C", 1)])]);
    assert_eq!(found[0].rule, Rule::MigType);
    assert!(found[0].problem.contains("1g.5gb"), "{}", found[0]);
    assert!(found[0].remedy.contains("`A100X-5C`"), "{}", found[0]);
}

#[test]
fn boards_that_say_they_have_no_vgpu_refuse_vgpus() {
    let mut bare = gpu("a40");
    bare.vgpu_capable = Some(false);
    let refused = admit(&bare, false, &[vms("vm", 1, "a40", &[("A40-4Q", 1)])]).unwrap_err();
    assert_eq!(refused[0].rule, Rule::NoVgpu);
    assert_eq!(admit(&bare, false, &[contexts("job", 1)]), Ok(()));
}

#[test]
fn all_refusals_come_at_once_in_the_order_of_the_rules() {
    let needs = Needs {
        cuda: true,
        graphics: true,
        encode: true,
    };
    let refused = refusals(
        "a10",
        &[
            needing(vms("b", 20, "a10", &[("A10-2B", 2)]), needs),
            needing(vms("c", 1, "a10", &[("A10-4C", 1), ("A10-4Q", 1)]), needs),
            contexts("job", 1),
        ],
    );
    let rules: Vec<Rule> = refused.iter().map(|r| r.rule).collect();
    assert_eq!(
        rules,
        [
            Rule::VgpuOrContext,
            Rule::EqualSize,
            Rule::MaxPerGpu,
            Rule::ManagerCap,
            Rule::FrameBuffer,
            Rule::VirtualFunctions,
            Rule::OneSeriesPerVm,
            Rule::SeriesAlonePerVm,
            Rule::Cuda,
            Rule::Graphics,
            Rule::Encode,
            Rule::Encode,
        ]
    );
    for refusal in &refused {
        let text = refusal.to_string();
        assert!(
            text.contains("\nnote: ") && text.contains("\nhelp: "),
            "{text}"
        );
    }
}

#[test]
fn a_board_without_known_memory_names_the_missing_fact() {
    let mut catalog = catalog().clone();
    let file = "[boards.lab]\narchitecture = \"Ampere\"\n";
    catalog.add_user_file("b.toml", file).expect("well formed");
    let missing = GpuFacts::from_catalog(&catalog, "lab", "g").unwrap_err();
    assert_eq!(missing.column, "memory_gib");
}

/// Rules are named once, and listed in the order in which they sort.
#[test]
fn rules_have_names_of_their_own() {
    let mut names: Vec<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Rule::ALL.len());
    assert!(Rule::ALL.is_sorted());
}
