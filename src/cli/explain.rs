//! `warpshare explain`: what the terms of a summary mean.

use super::{Failure, print};
use crate::metrics::document::{explained, names, nearest_name};
use crate::report::wrapped;
use std::process::ExitCode;

const AFTER_HELP: &str = "\
Examples:
  warpshare explain slowdown
  warpshare explain \"slice wait\"
  warpshare explain                    all terms

The same text is in docs/metrics.md.";

/// Say what a term of a summary means.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Such as slowdown, ANTT, verdict or warm-up; without one, all terms are listed.
    term: Vec<String>,
}

/// Prints what the term means.
///
/// # Errors
///
/// [`Failure::BadInput`] for a term that is not known, with the nearest one.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    if args.term.is_empty() {
        let mut text =
            String::from("Terms of a summary; warpshare explain TERM says what one means:\n\n");
        text.push_str(&wrapped("  ", &names().join(", ")));
        print(&text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let wanted = args.term.join(" ");
    let found = explained(&wanted);
    if found.is_empty() {
        let help = match nearest_name(&wanted) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "warpshare explain lists all terms".to_owned(),
        };
        return Err(Failure::BadInput(format!(
            "error: there is no term `{wanted}`\n  help: {help}"
        )));
    }
    let texts: Vec<String> = found
        .iter()
        .map(|term| {
            let head = match term.about.as_str() {
                "" => term.name.clone(),
                about => format!("{} ({about})", term.name),
            };
            format!("{head}\n{}", wrapped("  ", &term.meaning.replace('`', "")))
        })
        .collect();
    print(&texts.join("\n"))?;
    Ok(ExitCode::SUCCESS)
}
