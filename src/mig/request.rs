//! What a user asks for: profiles, with or without a start.

use std::fmt;

/// One GPU instance that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// As written: a name, a short name or a profile number.
    pub profile: String,
    /// `None` leaves the start to the driver.
    pub start: Option<u32>,
}

impl Request {
    pub fn new(profile: impl Into<String>, start: Option<u32>) -> Request {
        Request {
            profile: profile.into(),
            start,
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.start {
            Some(start) => write!(out, "{}@{start}", self.profile),
            None => out.write_str(&self.profile),
        }
    }
}

/// A text that is no list of requests.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a profile with or without a start, such as `3g.20gb` or `1g@6`")]
pub struct RequestError {
    /// The item that is wrong.
    pub text: String,
}

/// Reads a list such as `3g,2g 1g.5gb@6`: items separated by commas, semicolons or blanks, each a
/// profile, with `@START` if the start matters.
///
/// # Errors
///
/// The first item that is not of this form. Whether a profile exists is not looked at here.
///
/// ```
/// use warpshare_input::mig::{Request, parse_requests};
/// let list = parse_requests("3g, 1g@6")?;
/// assert_eq!(list, [Request::new("3g", None), Request::new("1g", Some(6))]);
/// # Ok::<(), warpshare_input::mig::RequestError>(())
/// ```
pub fn parse_requests(text: &str) -> Result<Vec<Request>, RequestError> {
    text.split(|c: char| c == ',' || c == ';' || c.is_whitespace())
        .filter(|item| !item.is_empty())
        .map(|item| {
            let wrong = || RequestError {
                text: item.to_owned(),
            };
            let (profile, start) = match item.split_once('@') {
                Some((profile, start)) => (profile, Some(start.parse().map_err(|_| wrong())?)),
                None => (item, None),
            };
            if profile.is_empty() {
                return Err(wrong());
            }
            Ok(Request::new(profile, start))
        })
        .collect()
}
