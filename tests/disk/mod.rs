//! A disk that is full, slow, broken or not a disk: no change without its synced intent, what is in
//! the air lands, and the same command goes on when there is room again.

mod nofile;
mod order;
