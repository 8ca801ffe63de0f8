//! Case V44 of the theory: how many placements, maximal placements and sets of profiles there are.

use super::*;
use std::collections::BTreeSet;

/// Every set of instances that can exist, each as its sorted places.
fn placements(geometry: &Arc<Geometry>, profiles: &[&str]) -> BTreeSet<Vec<Placed>> {
    let mut found = BTreeSet::new();
    let mut open = vec![GpuInstances::new(Arc::clone(geometry))];
    while let Some(state) = open.pop() {
        if !found.insert(state.placed()) {
            continue;
        }
        for profile in profiles {
            for start in state.possible_starts(profile) {
                let mut more = state.clone();
                more.create(profile, Some(start)).expect("a possible start");
                open.push(more);
            }
        }
    }
    found
}

fn multiset(placed: &[Placed]) -> Vec<&str> {
    let mut names: Vec<&str> = placed.iter().map(|place| place.profile.as_str()).collect();
    names.sort_unstable();
    names
}

/// (placements, maximal placements, multisets, multisets of maximal placements)
fn counts(gpu: &str, profiles: &[&str]) -> (usize, usize, usize, usize) {
    let geometry = geometry(gpu);
    let all = placements(&geometry, profiles);
    let maximal: Vec<&Vec<Placed>> = all
        .iter()
        .filter(|placed| {
            let mut state = GpuInstances::new(Arc::clone(&geometry));
            for place in *placed {
                state
                    .create(&place.profile, Some(place.start))
                    .expect("a placement");
            }
            profiles
                .iter()
                .all(|profile| state.possible_starts(profile).is_empty())
        })
        .collect();
    let sets: BTreeSet<_> = all.iter().map(|placed| multiset(placed)).collect();
    let maximal_sets: BTreeSet<_> = maximal.iter().map(|placed| multiset(placed)).collect();
    (all.len(), maximal.len(), sets.len(), maximal_sets.len())
}

#[test]
fn v44_numbers_of_placements() {
    let five = ["1g.5gb", "2g.10gb", "3g.20gb", "4g.20gb", "7g.40gb"];
    assert_eq!(counts("a100-sxm4-40gb", &five), (298, 19, 38, 14));
    let six = [
        "1g.5gb", "1g.10gb", "2g.10gb", "3g.20gb", "4g.20gb", "7g.40gb",
    ];
    assert_eq!(counts("a100-sxm4-40gb", &six), (723, 78, 78, 38));
    assert_eq!(
        counts("a30", &["1g.6gb", "2g.12gb", "4g.24gb"]),
        (26, 5, 10, 4)
    );
}
