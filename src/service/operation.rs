//! The table of the operations that clients may ask for. The protocol calls an operation by its name, and calls it a verb.
//!
//! An operation is parsed once, when its call is read. Everything that depends on the operation is in its row here, or is the
//! arm of an exhaustive `match` in [`dispatch`](super::dispatch): a row without a handler does not compile.

#[cfg(test)]
use crate::documents::Metric;

/// How an operation shares the write and the flush of the other calls in its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grouping {
    /// Writes nothing.
    Read,
    /// A commit that shares the group's write and flush.
    Write,
    /// The group before it is finished first: it needs the group on the disk, or cannot be undone or repeated with it.
    Barrier,
    /// A barrier that is a commit. No other commit is flushed with it.
    OwnFlush,
}

/// The receipt of an operation. A repeated message finds its result in the receipt; an operation without one runs again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receipt {
    /// It reads, opens what ended with the engine before, or has the same effect when it runs twice.
    None,
    /// The receipt is written with the group.
    WithGroup,
    /// The receipt is written with the first commit, which is the one that counts. The result of that commit is `true`.
    WithFirstCommit,
}

/// The permission that an operation requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Every client may use it.
    Reader,
    /// A client that joined with `readOnly` may not use it.
    Writer,
}

/// The thing that an operation refers to by a number, and that ends with its engine. A later engine reports the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The operation refers to nothing that an engine has open.
    None,
    Transaction,
    /// Bytes that are being written.
    Upload,
    /// Bytes that are being read.
    Download,
    Scan,
    Snapshot,
    Export,
}

macro_rules! operations {
    ($($variant:ident $name:literal $grouping:ident $receipt:ident $access:ident $subject:ident $metric:expr;)*) => {
        /// An operation of the protocol.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Operation { $($variant,)* }

        impl Operation {
            /// All operations, in the order of the table.
            #[cfg(test)]
            pub const ALL: [Self; [$($name,)*].len()] = [$(Self::$variant,)*];

            /// Returns the operation of this name.
            pub fn parse(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The name in the protocol.
            #[cfg(test)]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            pub const fn grouping(self) -> Grouping {
                match self { $(Self::$variant => Grouping::$grouping,)* }
            }

            pub const fn receipt(self) -> Receipt {
                match self { $(Self::$variant => Receipt::$receipt,)* }
            }

            pub const fn access(self) -> Access {
                match self { $(Self::$variant => Access::$access,)* }
            }

            pub const fn subject(self) -> Subject {
                match self { $(Self::$variant => Subject::$subject,)* }
            }

            /// The entry of [`Stats::latencies`](crate::Stats) that counts the operation, if one does.
            #[cfg(test)]
            pub const fn metric(self) -> Option<Metric> {
                match self { $(Self::$variant => $metric,)* }
            }
        }
    };
}

operations! {
    // variant        name              grouping  receipt          access  subject      metric
    Get               "get"             Read      None             Reader  None         Some(Metric::Get);
    GetDocument       "getDocument"     Read      None             Reader  None         Some(Metric::Get);
    GetMany           "getMany"         Read      None             Reader  None         Some(Metric::GetMany);
    Has               "has"             Read      None             Reader  None         Some(Metric::Has);
    Ttl               "ttl"             Read      None             Reader  None         Some(Metric::Ttl);
    Count             "count"           Read      None             Reader  None         Some(Metric::Count);
    Keys              "keys"            Read      None             Reader  None         Some(Metric::Keys);
    Values            "values"          Read      None             Reader  None         Some(Metric::Values);
    Entries           "entries"         Read      None             Reader  None         Some(Metric::Entries);
    Find              "find"            Read      None             Reader  None         Some(Metric::Find);
    FindPage          "findPage"        Read      None             Reader  None         Some(Metric::Find);
    Query             "query"           Read      None             Reader  None         Some(Metric::Query);
    FindOne           "findOne"         Read      None             Reader  None         Some(Metric::FindOne);
    CountRows         "countRows"       Read      None             Reader  None         Some(Metric::Count);
    Explain           "explain"         Read      None             Reader  None         Some(Metric::Explain);
    Patched           "patched"         Read      None             Reader  None         Some(Metric::Patch);
    MergePatched      "mergePatched"    Read      None             Reader  None         Some(Metric::Patch);
    ListLength        "listLength"      Read      None             Reader  None         Some(Metric::Length);
    ListGet           "listGet"         Read      None             Reader  None         Some(Metric::Range);
    ListRange         "listRange"       Read      None             Reader  None         Some(Metric::Range);
    Collections       "collections"     Read      None             Reader  None         Some(Metric::Collections);
    Indexes           "indexes"         Read      None             Reader  None         Some(Metric::Indexes);

    Set               "set"             Write     WithGroup        Writer  None         Some(Metric::Set);
    SetEx             "setEx"           Write     WithGroup        Writer  None         Some(Metric::Set);
    SetWith           "setWith"         Write     WithGroup        Writer  None         Some(Metric::Set);
    SetBytes          "setBytes"        Write     WithGroup        Writer  None         Some(Metric::Set);
    SetMany           "setMany"         Write     WithGroup        Writer  None         Some(Metric::Commit);
    Commit            "commit"          Write     WithGroup        Writer  None         Some(Metric::Commit);
    Delete            "delete"          Write     WithGroup        Writer  None         Some(Metric::Delete);
    DeleteRange       "deleteRange"     Write     WithGroup        Writer  None         Some(Metric::DeleteRange);
    Expire            "expire"          Write     WithGroup        Writer  None         Some(Metric::Expire);
    Persist           "persist"         Write     WithGroup        Writer  None         Some(Metric::Persist);
    Increment         "increment"       Write     WithGroup        Writer  None         Some(Metric::Increment);
    CompareAndSwap    "compareAndSwap"  Write     WithGroup        Writer  None         Some(Metric::CompareAndSwap);
    GetAndSet         "getAndSet"       Write     WithGroup        Writer  None         Some(Metric::GetAndSet);
    Rename            "rename"          Write     WithGroup        Writer  None         Some(Metric::Rename);
    Patch             "patch"           Write     WithGroup        Writer  None         Some(Metric::Patch);
    MergePatch        "mergePatch"      Write     WithGroup        Writer  None         Some(Metric::Patch);
    Push              "push"            Write     WithGroup        Writer  None         Some(Metric::Push);
    Pop               "pop"             Write     WithGroup        Writer  None         Some(Metric::Pop);
    Trim              "trim"            Write     WithGroup        Writer  None         Some(Metric::Trim);
    ListSet           "listSet"         Write     WithGroup        Writer  None         Some(Metric::SetElement);

    CreateIndex       "createIndex"     Barrier   None             Writer  None         Some(Metric::CreateIndex);
    DropIndex         "dropIndex"       Barrier   WithFirstCommit  Writer  None         Some(Metric::DropIndex);
    DropCollection    "dropCollection"  Barrier   WithFirstCommit  Writer  None         Some(Metric::DropCollection);
    Flush             "flush"           Barrier   None             Reader  None         Some(Metric::Flush);
    Compact           "compact"         Barrier   None             Writer  None         Some(Metric::Compact);
    RotateKey         "rotateKey"       Barrier   None             Writer  None         Some(Metric::RotateKey);
    Cancel            "cancel"          Barrier   None             Reader  None         None;
    Check             "check"           Barrier   None             Reader  None         Some(Metric::Check);

    ScanOpen          "scanOpen"        Barrier   None             Reader  None         Some(Metric::ScanPage);
    ScanNext          "scanNext"        Barrier   None             Reader  Scan         Some(Metric::ScanPage);
    ScanClose         "scanClose"       Read      None             Reader  None         None;
    SnapshotOpen      "snapshotOpen"    Barrier   None             Reader  None         Some(Metric::Snapshot);
    // The call within it is counted as itself.
    SnapshotRead      "snapshotRead"    Read      None             Reader  Snapshot     None;
    SnapshotScan      "snapshotScan"    Barrier   None             Reader  Snapshot     Some(Metric::ScanPage);
    SnapshotClose     "snapshotClose"   Barrier   None             Reader  None         None;
    ExportBegin       "exportBegin"     Barrier   None             Reader  None         Some(Metric::Export);
    ExportEnd         "exportEnd"       Read      None             Reader  None         None;

    TxBegin           "txBegin"         Barrier   None             Reader  None         Some(Metric::Transaction);
    // The call within it is counted as itself.
    TxRead            "txRead"          Read      None             Reader  Transaction  None;
    // `txCommit` writes what these collect.
    TxWrite           "txWrite"         Barrier   None             Reader  Transaction  None;
    // A reader may commit a transaction that has only read.
    TxCommit          "txCommit"        Write     WithGroup        Writer  Transaction  Some(Metric::Commit);
    TxRollback        "txRollback"      Barrier   None             Reader  None         None;

    WatchOpen         "watchOpen"       Barrier   None             Reader  None         None;
    WatchQuery        "watchQuery"      Barrier   None             Reader  None         None;
    WatchNext         "watchNext"       Barrier   None             Reader  None         None;
    WatchClose        "watchClose"      Barrier   None             Reader  None         None;

    BlobBegin         "blobBegin"       Barrier   None             Writer  None         Some(Metric::SetStream);
    BlobWrite         "blobWrite"       Barrier   None             Writer  Upload       Some(Metric::SetStream);
    BlobFinish        "blobFinish"      OwnFlush  WithGroup        Writer  Upload       Some(Metric::SetStream);
    BlobAbort         "blobAbort"       Barrier   None             Reader  None         None;
    BlobOpen          "blobOpen"        Barrier   None             Reader  None         Some(Metric::GetStream);
    BlobRead          "blobRead"        Barrier   None             Reader  Download     Some(Metric::GetStream);
    BlobClose         "blobClose"       Barrier   None             Reader  None         None;

    // Requests beside the messages: they carry bytes or secrets.
    ChangeKey         "changeKey"       Barrier   None             Writer  None         Some(Metric::ChangeKey);
    ExportChunk       "exportChunk"     Read      None             Reader  Export       Some(Metric::Export);
}
