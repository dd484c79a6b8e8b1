//! What happens between one mailbox and another: a message is accepted, is on
//! its way for a while and is delivered, comes back as undeliverable, or is lost.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use m365mon_base::Timestamp;
use parking_lot::Mutex;

/// Messages that are remembered; the oldest are forgotten.
const MOST: usize = 10_000;

/// How mail goes today.
#[derive(Debug, Clone)]
pub struct Course {
    /// From acceptance to delivery.
    pub delay: Duration,
    /// From acceptance to the report of non-delivery.
    pub bounce_after: Duration,
    /// Everything comes back.
    pub bounces: bool,
    /// Nothing arrives and nothing comes back.
    pub lost: bool,
    /// Delivered to the folder for junk.
    pub junk: bool,
    /// Sending answers 503, and the message is delivered all the same.
    pub unsure: bool,
    /// What stands before the subject of a report of non-delivery, in the
    /// language of the sender's mailbox.
    pub bounce_prefix: String,
}

impl Default for Course {
    fn default() -> Self {
        Self {
            delay: Duration::from_secs(2),
            bounce_after: Duration::from_secs(5),
            bounces: false,
            lost: false,
            junk: false,
            unsure: false,
            bounce_prefix: "Undeliverable: ".to_owned(),
        }
    }
}

/// Where in a mailbox a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// Delivered.
    Inbox,
    /// Delivered, and thought to be junk.
    Junk,
    /// The sender's copy.
    Sent,
    /// Deleted once.
    Deleted,
}

impl Folder {
    /// Its well-known name.
    #[must_use]
    pub const fn well_known(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Junk => "junkemail",
            Self::Sent => "sentitems",
            Self::Deleted => "deleteditems",
        }
    }
}

/// A message in a mailbox.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Counts up; another one after a move, as ids change then.
    pub serial: u64,
    /// Object id of the mailbox's owner.
    pub owner: String,
    /// Where it is.
    pub folder: Folder,
    /// Its subject.
    pub subject: String,
    /// Name and address.
    pub from: (String, String),
    /// Addresses.
    pub to: Vec<String>,
    /// `Message-ID`, the same in every mailbox.
    pub internet_message_id: String,
    /// Accepted.
    pub sent: Timestamp,
    /// In the mailbox from then on.
    pub received: Timestamp,
}

#[derive(Debug, Default)]
struct Boxes {
    last: u64,
    letters: VecDeque<Letter>,
}

/// Mail of the whole cloud.
#[derive(Debug, Default)]
pub struct MailFlow {
    course: Mutex<Course>,
    /// Where it goes otherwise, by recipient, lower case.
    to: Mutex<HashMap<String, Course>>,
    boxes: Mutex<Boxes>,
}

impl MailFlow {
    /// How mail goes.
    #[must_use]
    pub fn course(&self) -> Course {
        self.course.lock().clone()
    }

    /// How mail goes to this address.
    #[must_use]
    pub fn course_to(&self, address: &str) -> Course {
        let own = self.to.lock().get(&address.to_lowercase()).cloned();
        own.unwrap_or_else(|| self.course())
    }

    /// Changes how mail goes from now on: all of it, or (`to`) only what goes to
    /// one address.
    pub fn change(&self, to: Option<&str>, change: impl FnOnce(&mut Course)) {
        match to {
            None => change(&mut self.course.lock()),
            Some(to) => {
                let usual = self.course();
                let mut all = self.to.lock();
                change(all.entry(to.to_lowercase()).or_insert(usual));
            }
        }
    }

    /// Puts a message where it is to be from `received` on; its serial is given
    /// here.
    pub fn put(&self, letter: Letter) {
        let mut boxes = self.boxes.lock();
        boxes.last += 1;
        let serial = boxes.last;
        boxes.letters.push_back(Letter { serial, ..letter });
        if boxes.letters.len() > MOST {
            boxes.letters.pop_front();
        }
    }

    /// What is in a mailbox now, the newest first.
    #[must_use]
    pub fn of(&self, owner: &str, now: Timestamp) -> Vec<Letter> {
        let boxes = self.boxes.lock();
        let letters = boxes.letters.iter();
        let mut found: Vec<_> = letters
            .filter(|letter| letter.owner == owner && letter.received <= now)
            .cloned()
            .collect();
        found.sort_by_key(|letter| std::cmp::Reverse((letter.received, letter.serial)));
        found
    }

    /// Everything that was sent and is not deleted for good, also what is on its way.
    #[must_use]
    pub fn all(&self) -> Vec<Letter> {
        self.boxes.lock().letters.iter().cloned().collect()
    }

    /// Takes a message out of a mailbox; `false` if it is not there.
    pub fn delete(&self, owner: &str, serial: u64, now: Timestamp, for_good: bool) -> bool {
        let mut boxes = self.boxes.lock();
        let there = |letter: &Letter| {
            letter.owner == owner && letter.serial == serial && letter.received <= now
        };
        let Some(place) = boxes.letters.iter().position(there) else {
            return false;
        };
        let Some(letter) = boxes.letters.remove(place) else {
            return false;
        };
        if !for_good && letter.folder != Folder::Deleted {
            boxes.last += 1;
            let serial = boxes.last;
            boxes.letters.push_back(Letter {
                serial,
                folder: Folder::Deleted,
                ..letter
            });
        }
        true
    }
}
