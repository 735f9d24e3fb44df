//! Files that others planted, and folders that others can write in: nothing of theirs is followed, and
//! nothing of ours is theirs to read.

mod modes;
mod planted;
