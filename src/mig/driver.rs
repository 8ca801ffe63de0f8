//! Driver versions, as far as MIG depends on them.

use std::fmt;

/// A driver branch, such as R525.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Driver(u32);

/// First branch that allows a 3g beside a 4g on boards of seven compute slices (MIG user guide
/// v580).
pub(super) const THREE_BESIDE_FOUR: Driver = Driver(510);

impl Driver {
    /// The branch in `R525`, `525` or `525.60.13`; `None` for other texts.
    ///
    /// ```
    /// use warpshare_input::mig::Driver;
    /// assert_eq!(Driver::parse("R510"), Driver::parse("510.47.03"));
    /// assert!(Driver::parse("R470") < Driver::parse("R510"));
    /// assert_eq!(Driver::parse("latest"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Driver> {
        let text = text.strip_prefix(['R', 'r']).unwrap_or(text);
        let mut parts = text.split('.');
        let branch: u32 = parts.next()?.parse().ok()?;
        let rest = parts.all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()));
        (rest && (100..=9999).contains(&branch)).then_some(Driver(branch))
    }

    /// The first branch that supports MIG on a board, by the name that the driver prints; `None`
    /// where no source says it (GH200, boards of a user's own).
    ///
    /// Source: MIG user guide, Deployment Considerations, v620.
    pub fn first_for(board_name: &str) -> Option<Driver> {
        const FIRST: [(&str, u32); 9] = [
            ("A100", 450),
            ("A30", 460),
            ("H100", 525),
            ("H20", 535),
            ("H200", 550),
            ("B200", 570),
            ("GB200", 570),
            ("B300", 580),
            ("GB300", 595),
        ];
        let name = board_name.strip_prefix("NVIDIA ")?;
        if name.starts_with("RTX PRO ") {
            return Some(Driver(575));
        }
        let model = name.split([' ', '-']).next()?;
        FIRST
            .iter()
            .find(|(known, _)| *known == model)
            .map(|&(_, branch)| Driver(branch))
    }
}

impl fmt::Display for Driver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "R{}", self.0)
    }
}
