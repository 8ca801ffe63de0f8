//! Whether a list of requests fits, in this order or another.

use super::instances::{GpuInstances, Placed};
use super::refusal::Refusal;
use super::request::Request;

/// The answer to a list of requests.
#[derive(Debug, Clone, PartialEq)]
pub enum Fit {
    /// They fit in the order given: where each goes.
    Fits(Vec<Placed>),
    /// They do not.
    No(Box<NoFit>),
}

/// Why a list of requests does not fit, and what would.
#[derive(Debug, Clone, PartialEq)]
pub struct NoFit {
    /// Where the requests before the failing one went.
    pub placed: Vec<Placed>,
    /// Which request fails, from 0.
    pub failing: usize,
    pub reason: Refusal,
    /// An order that works, if one does: the first in lexicographic order of the places in the list,
    /// so that early requests stay early.
    pub other_order: Option<Order>,
    /// Starts with which the order given works, if any do: the lowest for the first request, then
    /// for the next, and so on.
    pub with_starts: Option<Vec<Placed>>,
}

/// A list of requests in another order.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Places in the list as given, from 0.
    pub order: Vec<usize>,
    /// Where each goes, in the new order.
    pub placed: Vec<Placed>,
}

/// Creates the requested instances beside the existing ones, one after another, and says where each
/// goes. What exists does not move; `state` is not changed.
pub fn fit(state: &GpuInstances, requests: &[Request]) -> Fit {
    let mut now = state.clone();
    let mut placed = Vec::with_capacity(requests.len());
    for (failing, request) in requests.iter().enumerate() {
        match now.request(request) {
            Ok(place) => placed.push(place),
            Err(reason) => {
                let with_starts = with_starts(state, requests);
                // An order that works is a choice of starts that works: without one there is no
                // order, and with one the list is no longer than a GPU has instances.
                let other_order = match with_starts {
                    Some(_) => other_order(state, requests),
                    None => None,
                };
                return Fit::No(Box::new(NoFit {
                    placed,
                    failing,
                    reason,
                    other_order,
                    with_starts,
                }));
            }
        }
    }
    Fit::Fits(placed)
}

fn with_starts(state: &GpuInstances, requests: &[Request]) -> Option<Vec<Placed>> {
    let wanted: Option<Vec<(usize, Option<u32>)>> = requests
        .iter()
        .map(|r| Some((state.index(&r.profile).ok()?, r.start)))
        .collect();
    // Every instance covers a unit: a longer list needs no search.
    if requests.len() > state.geometry().units as usize {
        return None;
    }
    search(&mut state.clone(), &wanted?)
}

/// The first choice of starts that works, lowest first.
fn search(state: &mut GpuInstances, wanted: &[(usize, Option<u32>)]) -> Option<Vec<Placed>> {
    let Some(&(profile, start)) = wanted.first() else {
        return Some(Vec::new());
    };
    let starts = match start {
        Some(start) => vec![start],
        None => state.geometry().profiles()[profile].starts.clone(),
    };
    for start in starts {
        if state.check(profile, Some(start)).is_err() {
            continue;
        }
        let placed = state.insert(profile, start);
        let rest = search(state, &wanted[1..]);
        state.held_mut().retain(|gi| gi.start != start);
        if let Some(mut rest) = rest {
            rest.insert(0, placed);
            return Some(rest);
        }
    }
    None
}

/// The first order, in lexicographic order, in which the driver's own choice of starts works.
fn other_order(state: &GpuInstances, requests: &[Request]) -> Option<Order> {
    let mut order = Vec::with_capacity(requests.len());
    let mut placed = Vec::with_capacity(requests.len());
    permute(state, requests, &mut order, &mut placed).then_some(Order { order, placed })
}

fn permute(
    state: &GpuInstances,
    requests: &[Request],
    order: &mut Vec<usize>,
    placed: &mut Vec<Placed>,
) -> bool {
    if order.len() == requests.len() {
        return true;
    }
    for next in 0..requests.len() {
        // Of equal requests only the first that is left needs to be tried.
        let repeated = (0..next).any(|at| !order.contains(&at) && requests[at] == requests[next]);
        if order.contains(&next) || repeated {
            continue;
        }
        let mut then = state.clone();
        let Ok(place) = then.request(&requests[next]) else {
            continue;
        };
        order.push(next);
        placed.push(place);
        if permute(&then, requests, order, placed) {
            return true;
        }
        order.pop();
        placed.pop();
    }
    false
}
