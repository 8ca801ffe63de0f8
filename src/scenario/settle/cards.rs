//! `card`: a board with several GPUs as one thing.
//!
//! A card `a` becomes its GPUs `a.0`, `a.1` and so on, each as the card's table says. From then on they
//! are GPUs like all others; what is said of each of them alike is said once, of the card.

use crate::catalog::Catalog;
use crate::diagnostics::Diagnostic;
use crate::scenario::elements::guest::Guest;
use crate::scenario::elements::placed::Placed;
use crate::scenario::key::checker::Checker;
use crate::scenario::key::field::Field;
use crate::scenario::key::origin::Resolved;
use crate::scenario::read::raw::{RawGpu, RawPlacement, RawScenario};
use crate::scenario::settle::mixed;
use std::collections::BTreeMap;

/// A card of the scenario.
pub(crate) struct Card {
    /// Names of its GPUs, in their order.
    pub gpus: Vec<String>,
    pub placement: RawPlacement,
    pub mixed_sizes: bool,
}

/// The cards of a scenario, by name.
#[derive(Default)]
pub(crate) struct Cards(BTreeMap<String, Card>);

impl Cards {
    pub fn get(&self, name: &str) -> Option<&Card> {
        self.0.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Card)> {
        self.0.iter().map(|(name, card)| (name.as_str(), card))
    }

    /// The card that a GPU is on, with its name.
    pub fn of<'a>(&'a self, gpu: &'a str) -> Option<(&'a str, &'a Card)> {
        let name = written(gpu);
        (name != gpu).then(|| Some((name, self.get(name)?)))?
    }
}

/// The name under which the scenario has a GPU: that of its card, if it is on one.
pub(crate) fn written(gpu: &str) -> &str {
    gpu.split_once('.').map_or(gpu, |(card, _)| card)
}

/// Puts the GPUs of each card in its place.
pub(crate) fn expand(c: &mut Checker, raw: &mut RawScenario, catalog: &Catalog) -> Cards {
    let mut cards = Cards::default();
    for (name, mut field) in std::mem::take(&mut raw.gpus) {
        let Some(wanted) = field.value.card.take() else {
            let why = "only the GPUs of a `card` are chosen among";
            let instead = "remove it, or write `card` for `board`";
            c.no_effect(&field.value.placement, "placement", why, instead);
            raw.gpus.insert(name, field);
            continue;
        };
        let path = format!("gpus.{name}");
        if let Some(board) = &field.value.board {
            let title = format!("`{name}` is a card or a board");
            let label = format!("and `card` is `{}`", wanted.value);
            let help = "`card` is the whole card, `board` one GPU: remove one of them";
            c.error(&board.span, title, label, help);
            c.refused.insert(path);
            continue;
        }
        let Some(gpu) = catalog.gpu(&wanted.value) else {
            field.value.board = Some(wanted); // said where boards are read
            raw.gpus.insert(name, field);
            continue;
        };
        let number = match gpu.gpus_per_board {
            Some(number) if number > 1 => number,
            known => {
                let title = format!("`{}` is not a card with several GPUs", gpu.id);
                let label = match known {
                    Some(_) => "its board has one GPU",
                    None => "how many GPUs its board has is not known",
                };
                let several = several(catalog);
                let help = format!("write board = \"{}\"; cards: {several}", gpu.id);
                c.error(&wanted.span, title, label, help);
                c.refused.insert(path);
                continue;
            }
        };
        if let Some((instance, divided)) = field.value.instances.first_key_value() {
            let title = format!("card `{name}` as a whole is not divided into instances");
            let help = format!("name its GPUs one by one, with board = \"{}\"", gpu.id);
            let label = format!("`{instance}` would be on all of its GPUs");
            c.error(&divided.span, title, label, help);
            c.refused.insert(path);
            continue;
        }
        c.file_value(&format!("{path}.card"), gpu.id.as_str(), &wanted.span);
        let source = gpu.source_of("gpus_per_board").unwrap_or("gpus.csv");
        c.catalogue_value(&format!("{path}.gpus"), number.to_string(), source);
        let placement = match &field.value.placement {
            Some(given) => {
                let path = format!("{path}.placement");
                c.file_value(&path, given.value.word(), &given.span);
                given.value
            }
            None => {
                let usual = RawPlacement::BreadthFirst;
                c.by_default(&format!("{path}.placement"), usual.word());
                usual
            }
        };
        field.value.board = Some(wanted);
        let gpus: Vec<String> = (0..number).map(|gpu| format!("{name}.{gpu}")).collect();
        for gpu in &gpus {
            raw.gpus.insert(gpu.clone(), field.clone());
        }
        let mixed_sizes = mixed::is_on(&field.value);
        cards.0.insert(
            name,
            Card {
                gpus,
                placement,
                mixed_sizes,
            },
        );
    }
    single(c, &raw.gpus, catalog);
    cards
}

/// Boards of the catalogue with several GPUs.
fn several(catalog: &Catalog) -> String {
    let cards = catalog.gpus().iter();
    let cards = cards.filter(|gpu| gpu.gpus_per_board.is_some_and(|number| number > 1));
    cards
        .map(|gpu| gpu.id.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Notes that one GPU of a board with several stands for itself alone, unless all of a board are there.
fn single(c: &mut Checker, gpus: &BTreeMap<String, Field<RawGpu>>, catalog: &Catalog) {
    let mut alone: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, field) in gpus.iter().filter(|(name, _)| written(name) == *name) {
        if let Some(board) = &field.value.board {
            alone.entry(&board.value).or_default().push(name);
        }
    }
    for (board, names) in alone {
        let number = catalog.gpu(board).and_then(|gpu| gpu.gpus_per_board);
        if let Some(number) = number.filter(|number| *number > 1)
            && names.len() % number as usize != 0
        {
            let title = match names.as_slice() {
                [one] => format!("gpus.{one} is one"),
                several => format!("gpus {} are {}", several.join(", "), several.len()),
            };
            c.notices.push(format!(
                "{title} of the {number} GPUs of a card {board}; card = \"{board}\" is all of them"
            ));
        }
    }
}

/// What was resolved of each GPU of a card, in the order of its GPUs.
#[derive(Default)]
pub(crate) struct Said {
    resolved: BTreeMap<String, Vec<(String, Vec<Resolved>)>>,
    findings: Vec<Diagnostic>,
}

impl Said {
    /// Takes back what was resolved since `resolved` of a GPU on a card, and findings since `findings` that
    /// another GPU of the card has too.
    pub fn of_gpu(&mut self, c: &mut Checker, gpu: &str, (resolved, findings): (usize, usize)) {
        let card = written(gpu);
        if card == gpu {
            return;
        }
        let own = c.resolved.split_off(resolved);
        let gpus = self.resolved.entry(card.to_owned()).or_default();
        gpus.push((gpu.to_owned(), own));
        for finding in c.findings.0.split_off(findings) {
            let general = Diagnostic {
                title: finding
                    .title
                    .replace(&format!("`{gpu}`"), &format!("`{card}`")),
                ..finding.clone()
            };
            if !self.findings.contains(&general) {
                self.findings.push(general);
                c.findings.push(finding);
            }
        }
        let mut seen = Vec::new();
        c.notices.retain(|notice| {
            let new = !seen.contains(notice);
            seen.push(notice.clone());
            new
        });
    }

    /// Gives back what was resolved: once where all GPUs of the card agree, else of each GPU.
    pub fn together(self, c: &mut Checker) {
        for (card, gpus) in self.resolved {
            let all = || gpus.iter().flat_map(|(_, own)| own);
            for (gpu, own) in &gpus {
                for value in own {
                    let mut same = all().filter(|other| other.path == value.path);
                    let agree = same.all(|other| other == value);
                    if !agree {
                        let rest = value.path.strip_prefix(&format!("gpus.{card}"));
                        c.resolved.push(Resolved {
                            path: format!("gpus.{gpu}{}", rest.unwrap_or_default()),
                            ..value.clone()
                        });
                    } else if !c.resolved.contains(value) {
                        c.resolved.push(value.clone());
                    }
                }
            }
        }
    }
}

/// Gives a group the GPU of each of its members; `parts` are those of the group, by GPU.
pub(crate) fn seat(guest: &mut Guest, parts: &[&Placed], index: &BTreeMap<String, usize>) {
    if parts.iter().all(|part| part.ordinals.is_empty()) {
        return;
    }
    let mut members: Vec<(u32, usize)> = Vec::new();
    for part in parts {
        let gpu = index.get(&part.gpu).copied().unwrap_or(guest.gpu);
        members.extend(part.ordinals.iter().map(|ordinal| (*ordinal, gpu)));
    }
    members.sort_unstable();
    guest.count = members.len() as u32; // no more than a group may have
    if let Some((_, first)) = members.first() {
        guest.gpu = *first;
    }
    if parts.len() > 1 {
        guest.spread = members.into_iter().map(|(_, gpu)| gpu).collect();
    }
}
