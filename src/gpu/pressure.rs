//! What a domain and the other domains of its board tell each other: see [`Pressure`].

use super::domain::ComputeDomain;
use super::entry::EntryState;
use super::rates::Pressure;

impl ComputeDomain {
    /// The holder, if it has work to run. It counts from its dispatch, switching included.
    fn running(&mut self) -> Option<&mut EntryState> {
        self.entries
            .get_mut(self.turn.holder as usize)
            .filter(|entry| entry.runs())
    }

    /// SMs in use by the holder.
    pub fn busy_sms(&mut self) -> u32 {
        self.running().map_or(0, |entry| entry.sms_in_use())
    }

    /// Appends the bandwidth that the holder's operations would draw if they had the memory to
    /// themselves, as parts of the board's.
    pub fn bandwidth_demands(&mut self, busy_elsewhere: u32, out: &mut Vec<f64>) {
        if let Some(entry) = self.entries.get_mut(self.turn.holder as usize)
            && entry.runs()
        {
            entry.bandwidth_demands(&self.rates, busy_elsewhere, out);
        }
    }

    /// Tells the holder, settled, what runs in the other domains of its board.
    pub fn press(&mut self, pressure: Pressure) {
        if let Some(entry) = self.entries.get_mut(self.turn.holder as usize)
            && entry.runs()
        {
            entry.press(pressure, &self.rates);
        }
    }
}
