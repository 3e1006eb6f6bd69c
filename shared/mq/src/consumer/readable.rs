//! What several events say, where some may say what nobody can use.

use scrm_kernel::CorpId;
use scrm_proto::Envelope;

use super::Failure;

/// What those events say that can be read, and where they stand among all. All are of one enterprise.
#[derive(Debug)]
pub struct Readable<T> {
    /// Whose they are.
    pub corp: CorpId,
    /// What they say.
    pub said: Vec<T>,
    places: Vec<usize>,
    among: usize,
}

impl<T> Readable<T> {
    /// Reads events; `None` if none can be read.
    pub fn of<E>(
        events: &[(E, &Envelope)],
        read: impl Fn(&E, &Envelope) -> Result<T, Failure>,
    ) -> Option<Self> {
        let corp = events.first()?.1.corp;
        let readable = events.iter().enumerate();
        let readable =
            readable.filter_map(|(place, (event, envelope))| Some((place, read(event, envelope).ok()?)));
        let (places, said): (Vec<usize>, Vec<T>) = readable.unzip();
        (!said.is_empty()).then_some(Self { corp, said, places, among: events.len() })
    }

    /// Returns for each event what came of it, given in the order of what they say; of those that cannot be read nothing
    /// did: `None`, or `false`.
    pub fn spread<O: Default>(&self, outs: impl IntoIterator<Item = O>) -> Vec<O> {
        let mut all: Vec<O> = (0..self.among).map(|_| O::default()).collect();
        for (place, out) in self.places.iter().zip(outs) {
            all[*place] = out;
        }
        all
    }
}
