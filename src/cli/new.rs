//! `warpshare new`: a commented scenario from a few answers.

mod text;

use super::gpus::{self, load};
use super::workload::find;
use super::{Failure, note, print};
use crate::catalog::{Catalog, Gpu, Mode, Series, VgpuType};
use crate::diagnostics::nearest;
use crate::scenario::preset::{self, Preset};
use crate::scenario::{Overrides, parse};
use std::fs::OpenOptions;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Boards in one scenario: as many as there are letters to name them by.
const MOST_BOARDS: u32 = 26;

/// Write a commented scenario, from flags or from the answers to a few questions.
///
/// What no flag says is asked, and asked again after an answer that means nothing. Where nobody answers, it
/// is an error that names the flag. Names are read in any case.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  warpshare new
  warpshare new my.toml --gpu a40 --workload cad-light --sharing vgpu --guests 4
  warpshare new - --gpu a16 --workload cad-light --vgpu 4Q --guests 12 --objective 'p95 < 50ms'
  warpshare new - --gpu a100-sxm4-80gb --workload resnet50-infer --sharing mig --guests 3")]
pub struct Args {
    /// File to write, `-` for stdout; an existing file is left alone
    #[arg(default_value = "scenario.toml")]
    file: PathBuf,
    /// Board, as listed by `warpshare gpus`; of a card with several GPUs all of them are used
    #[arg(long, value_name = "ID")]
    gpu: Option<String>,
    /// Built-in workload, as listed by `warpshare workload list`
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
    /// How the guests share the board: vgpu, time-slice, mps or mig; vgpu if `--vgpu` is given
    #[arg(long, value_name = "WAY")]
    sharing: Option<String>,
    /// vGPU type of the guests (`A16-4Q`, or `4Q`), or a series (`Q`, `B`, `A` or `C`): the largest of it
    /// that fits; default: the largest type that the work can use
    #[arg(long, value_name = "TYPE")]
    vgpu: Option<String>,
    /// How many guests there are
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    guests: Option<u32>,
    /// How many boards; asked only where one is too small
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_BOARDS)))]
    number: Option<u32>,
    /// A job that takes longer counts as late, such as 50ms
    #[arg(long, value_name = "TIME")]
    deadline: Option<String>,
    /// What is asked of the guests, such as 'p95 < 50ms'; may be given several times
    #[arg(long = "objective", value_name = "OBJECTIVE")]
    objectives: Vec<String>,
}

/// How guests share a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Vgpu,
    TimeSlice,
    Mps,
    Mig,
}

const WAYS: [(&str, Way); 4] = [
    ("vgpu", Way::Vgpu),
    ("time-slice", Way::TimeSlice),
    ("mps", Way::Mps),
    ("mig", Way::Mig),
];

/// What was asked for, all of it known.
struct Plan {
    gpu: String,
    gpus_per_board: u32,
    preset: Preset,
    way: Way,
    /// vGPU type of the guests; empty for other ways to share.
    vgpu: String,
    count: u32,
    boards: u32,
    deadline: Option<String>,
    objectives: Vec<String>,
}

impl Plan {
    /// `a`, `b` and so on.
    fn board_name(&self, board: u32) -> String {
        // There are no more than letters.
        char::from(b'a' + board.min(MOST_BOARDS - 1) as u8).to_string()
    }

    /// Guests on one of the boards: the first ones have one more where they do not divide evenly.
    fn guests_on(&self, board: u32) -> u32 {
        self.count / self.boards + u32::from(board < self.count % self.boards)
    }

    fn boards_in_words(&self) -> String {
        let what = match self.gpus_per_board {
            1 => String::new(),
            _ if self.way == Way::Mig => String::new(),
            gpus => format!(" card ({gpus} GPUs)"),
        };
        match self.boards {
            1 => format!("one {}{what}", self.gpu),
            several => format!("{several} x {}{what}", self.gpu),
        }
    }
}

/// vGPU types to choose among.
enum Choice<'a> {
    One(&'a VgpuType),
    /// Those of a series, or all that the work can use.
    Largest(Vec<&'a VgpuType>),
}

/// Asks what no flag says, writes the scenario and says what to do with it.
///
/// # Errors
///
/// [`Failure::BadInput`] for answers that are not valid or do not go together, and if the file is there already;
/// [`Failure::Running`] if it cannot be written.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    let catalog = load(None)?;
    let mut asker = Asker { stdin: io::stdin() };
    let question = "Which board? (warpshare gpus lists them)";
    let gpu = asker.answer(&args.gpu, "--gpu", question, "a40", |text| {
        gpus::gpu(&catalog, text)
    })?;
    let question = "What do the guests do? (warpshare workload list has the names)";
    let usual = "office-knowledge-worker";
    let preset = asker.answer(&args.workload, "--workload", question, usual, |text| {
        let mut names = preset::names();
        let known = names.find(|name| name.eq_ignore_ascii_case(text));
        find(known.unwrap_or(text))
    })?;
    let way = way(args, &mut asker, &catalog, gpu)?;
    let choice = match way {
        Way::Vgpu => Some(choice(&catalog, gpu, &preset, args.vgpu.as_deref())?),
        _ if args.vgpu.is_some() => {
            let help = "leave out `--vgpu`, or share by --sharing vgpu";
            return Err(bad("only vGPUs have a type", help));
        }
        _ => None,
    };
    let given = args.guests.map(|guests| guests.to_string());
    let count = asker.answer(&given, "--guests", "How many guests?", "4", number)?;
    let gpus_per_board = match way {
        Way::Mig => 1,
        _ => gpu.gpus_per_board.unwrap_or(1).max(1),
    };
    let boards = boards(
        args,
        &mut asker,
        &catalog,
        gpu,
        (way, &choice),
        count,
        gpus_per_board,
    )?;
    let vgpu = match &choice {
        Some(choice) => vgpu_type(gpu, choice, count.div_ceil(boards), gpus_per_board)?,
        None => String::new(),
    };
    let plan = Plan {
        gpu: gpu.id.clone(),
        gpus_per_board,
        preset,
        way,
        vgpu,
        count,
        boards,
        deadline: args.deadline.clone(),
        objectives: args.objectives.clone(),
    };
    let text = text::scenario(&catalog, &plan)?;
    checked(&text)?;
    write(&args.file, &text)?;
    Ok(ExitCode::SUCCESS)
}

fn bad(title: &str, help: &str) -> Failure {
    Failure::BadInput(format!("error: {title}\n = help: {help}"))
}

fn number(text: &str) -> Result<u32, Failure> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| bad(&format!("`{text}` is not a number above zero"), "such as 4"))
}

fn way(args: &Args, asker: &mut Asker, catalog: &Catalog, gpu: &Gpu) -> Result<Way, Failure> {
    if args.vgpu.is_some() && args.sharing.is_none() {
        return Ok(Way::Vgpu);
    }
    let words: Vec<&str> = WAYS.iter().map(|(word, _)| *word).collect();
    let question = format!("How do they share the board? ({})", words.join(", "));
    let usual = match catalog.vgpu_types(&gpu.id).next() {
        Some(_) => "vgpu",
        None => "time-slice",
    };
    asker.answer(&args.sharing, "--sharing", &question, usual, |word| {
        let known = WAYS
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(word));
        known.map(|(_, way)| *way).ok_or_else(|| {
            let help = match nearest(word, words.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("one of {}", words.join(", ")),
            };
            bad(&format!("no way to share is called `{word}`"), &help)
        })
    })
}

/// The vGPU types that `wanted` means: one, those of a series, or all that the work can use.
fn choice<'a>(
    catalog: &'a Catalog,
    gpu: &Gpu,
    preset: &Preset,
    wanted: Option<&str>,
) -> Result<Choice<'a>, Failure> {
    let sliced = |found: &&VgpuType| found.mode == Mode::TimeSliced;
    let types = || catalog.vgpu_types(&gpu.id).filter(sliced);
    let Some(wanted) = wanted else {
        let graphics = preset.kind == "desktop";
        let usable = types().filter(|found| match found.series {
            Series::Q => true,
            Series::C => !graphics,
            _ => false,
        });
        return Ok(Choice::Largest(usable.collect()));
    };
    let series = |found: &&VgpuType| found.series.to_string().eq_ignore_ascii_case(wanted);
    let of_series: Vec<&VgpuType> = types().filter(series).collect();
    if !of_series.is_empty() {
        return Ok(Choice::Largest(of_series));
    }
    // In full, or the part behind the board: `4Q`.
    let named = |found: &&VgpuType| {
        let name = &found.type_name;
        let short = name.rsplit('-').next().unwrap_or(name);
        name.eq_ignore_ascii_case(wanted) || short.eq_ignore_ascii_case(wanted)
    };
    types().find(named).map(Choice::One).ok_or_else(|| {
        let help = match nearest(wanted, types().map(|found| found.type_name.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("`warpshare vgpu types --gpu {}` lists the types", gpu.id),
        };
        let title = format!(
            "`{}` has no time-sliced vGPU type or series `{wanted}`",
            gpu.id
        );
        bad(&title, &help)
    })
}

/// How many boards: one, or what is said where one is too small.
fn boards(
    args: &Args,
    asker: &mut Asker,
    catalog: &Catalog,
    gpu: &Gpu,
    (way, choice): (Way, &Option<Choice<'_>>),
    count: u32,
    gpus_per_board: u32,
) -> Result<u32, Failure> {
    let id = &gpu.id;
    let (what, most) = match (way, choice) {
        (_, Some(Choice::One(found))) => (found.type_name.clone(), found.max_per_gpu),
        (_, Some(Choice::Largest(types))) => {
            let most = types.iter().max_by_key(|found| found.max_per_gpu);
            let name = most.map_or(String::new(), |found| found.type_name.clone());
            (name, most.and_then(|found| found.max_per_gpu))
        }
        (Way::Mig, None) => {
            let plain = catalog
                .mig_profiles(id)
                .filter(|held| !held.profile.contains(['+', '-']));
            let most = plain.max_by_key(|held| held.max_instances);
            let name = most.map_or(String::new(), |held| held.profile.clone());
            (name, most.map(|held| held.max_instances))
        }
        (_, None) => (String::new(), None),
    };
    // Without a maximum one board takes all, or the check of the scenario says why not.
    let each = most.unwrap_or(u32::MAX).saturating_mul(gpus_per_board);
    let least = count.div_ceil(each.max(1)).max(1);
    let fits = match gpus_per_board {
        1 => format!("{each} of `{what}` fit on one {id}"),
        gpus => format!(
            "{each} of `{what}` fit on one card {id} ({} on each of its {gpus} GPUs)",
            each / gpus
        ),
    };
    if least > MOST_BOARDS {
        let title = format!("{count} guests need {least} boards: {fits}");
        return Err(bad(
            &title,
            &format!("{MOST_BOARDS} boards at most; or a smaller type"),
        ));
    }
    let enough = |text: &str| {
        let boards = number(text)?;
        if boards > MOST_BOARDS || boards > count {
            let most = MOST_BOARDS.min(count);
            return Err(bad(
                &format!("{boards} boards are too many"),
                &format!("at most {most}"),
            ));
        }
        if boards < least {
            let title = format!("{boards} boards are too few for {count} guests: {fits}");
            return Err(bad(&title, &format!("{least} or more, or a smaller type")));
        }
        Ok(boards)
    };
    let given = args.number.map(|number| number.to_string());
    if given.is_none() && least == 1 {
        return Ok(1);
    }
    let question = format!("{fits}, and there are {count} guests. How many boards?");
    asker.answer(&given, "--number", &question, &least.to_string(), enough)
}

/// The type, or the largest of which `guests` fit on one board.
fn vgpu_type(
    gpu: &Gpu,
    choice: &Choice<'_>,
    guests: u32,
    gpus_per_board: u32,
) -> Result<String, Failure> {
    let types = match choice {
        Choice::One(found) => return Ok(found.type_name.clone()),
        Choice::Largest(types) => types,
    };
    let on_each = guests.div_ceil(gpus_per_board);
    let fits = types
        .iter()
        .filter(|found| found.max_per_gpu.is_some_and(|most| most >= on_each));
    // Q before C: it does everything.
    let best = fits.max_by_key(|found| (found.frame_buffer_mib, found.series == Series::Q));
    best.map(|found| found.type_name.clone()).ok_or_else(|| {
        let id = &gpu.id;
        bad(
            &format!("no vGPU type of `{id}` fits {guests} times"),
            &format!("another way to share; `warpshare vgpu types --gpu {id}` shows the types"),
        )
    })
}

/// Asks questions on stderr and reads the answers from stdin, line by line.
struct Asker {
    stdin: io::Stdin,
}

impl Asker {
    /// What the flag says, or the answer to the question; the usual answer to an empty line. An answer
    /// that means nothing is told so, and asked again.
    fn answer<T>(
        &mut self,
        given: &Option<String>,
        flag: &str,
        question: &str,
        usual: &str,
        understand: impl Fn(&str) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if let Some(given) = given {
            return understand(given.trim());
        }
        loop {
            note(&format!("{question} [{usual}]"));
            let mut line = String::new();
            let read = self.stdin.lock().read_line(&mut line);
            let read = read.map_err(|error| {
                Failure::Running(format!("error: cannot read the answer: {error}"))
            })?;
            if read == 0 {
                let help = format!("give {flag}, such as {flag} {usual}");
                return Err(bad("nobody answers", &help));
            }
            let answer = match line.trim() {
                "" => usual,
                answer => answer,
            };
            match understand(answer) {
                Err(Failure::BadInput(why)) => note(why.trim_end()),
                other => return other,
            }
        }
    }
}

/// Refuses answers that do not go together, with the reasons that a run would give.
fn checked(text: &str) -> Result<(), Failure> {
    match parse(
        "the new scenario",
        text,
        Path::new("."),
        &Overrides::default(),
    ) {
        Ok(_) => Ok(()),
        Err(findings) => {
            let text: String = findings.iter().map(|finding| finding.render()).collect();
            Err(Failure::BadInput(text))
        }
    }
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    if file == Path::new("-") {
        return print(text);
    }
    let shown = file.display();
    let mut open = OpenOptions::new();
    let mut target = open
        .write(true)
        .create_new(true)
        .open(file)
        .map_err(|error| match error.kind() {
            // A target that may not be replaced is bad input, as everywhere.
            io::ErrorKind::AlreadyExists => bad(
                &format!("{shown} is there already"),
                "name another file, or remove this one",
            ),
            _ => Failure::Running(format!("error: cannot write {shown}: {error}")),
        })?;
    target
        .write_all(text.as_bytes())
        .map_err(|error| Failure::Running(format!("error: cannot write {shown}: {error}")))?;
    note(&format!("{shown} is written. Next: warpshare run {shown}"));
    Ok(())
}
