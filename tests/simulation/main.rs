//! The database on a simulated disk that loses power, fails and fills up. What is found afterwards must be what was
//! committed: all that was acknowledged as durable, and nothing that was never written.

mod apply;
mod bounds;
mod compare;
mod damage;
mod honest;
mod host;
mod lying;
mod model;
mod operation;
#[path = "../documents/support/oracle.rs"]
mod oracle;
mod random;
mod removal;
mod runner;
mod secrets;
mod session;
mod shared;
mod tally;
mod world;
