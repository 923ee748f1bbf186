//! The table of the operations that clients may ask for. The protocol calls an operation by its name, and calls it a verb.
//!
//! An operation is parsed once, when its call is read. Everything that depends on the operation is in its row here.

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

/// Calls the macro `$with` with the table. A row without a handler is a request beside the messages.
///
/// The handlers are in the folder `handlers`: those on a `collection` get the documents to read, the collection as it is or as a
/// snapshot shows it; those on an `execution` get everything that the message works with.
macro_rules! with_operations {
    ($with:ident) => {
        $with! {
            // variant     name             grouping receipt         access subject     metric           on         handler
            Get            "get"            Read     None            Reader None        [Get]            collection reads::get;
            GetDocument    "getDocument"    Read     None            Reader None        [Get]            collection reads::get_document;
            GetMany        "getMany"        Read     None            Reader None        [GetMany]        collection reads::get_many;
            Has            "has"            Read     None            Reader None        [Has]            collection reads::has;
            Ttl            "ttl"            Read     None            Reader None        [Ttl]            collection reads::ttl;
            Count          "count"          Read     None            Reader None        [Count]          collection reads::count;
            Keys           "keys"           Read     None            Reader None        [Keys]           collection reads::keys;
            Values         "values"         Read     None            Reader None        [Values]         collection reads::values;
            Entries        "entries"        Read     None            Reader None        [Entries]        collection reads::entries;
            Find           "find"           Read     None            Reader None        [Find]           collection queries::find;
            FindPage       "findPage"       Read     None            Reader None        [Find]           collection queries::find_page;
            Query          "query"          Read     None            Reader None        [Query]          collection queries::query;
            FindOne        "findOne"        Read     None            Reader None        [FindOne]        collection queries::find_one;
            CountRows      "countRows"      Read     None            Reader None        [Count]          collection queries::count_rows;
            Explain        "explain"        Read     None            Reader None        [Explain]        collection queries::explain;
            Patched        "patched"        Read     None            Reader None        [Patch]          collection reads::patched;
            MergePatched   "mergePatched"   Read     None            Reader None        [Patch]          collection reads::merge_patched;
            ListLength     "listLength"     Read     None            Reader None        [Length]         collection lists::length;
            ListGet        "listGet"        Read     None            Reader None        [Range]          collection lists::get;
            ListRange      "listRange"      Read     None            Reader None        [Range]          collection lists::range;
            Collections    "collections"    Read     None            Reader None        [Collections]    execution  barriers::collections;
            Indexes        "indexes"        Read     None            Reader None        [Indexes]        execution  barriers::indexes;

            Set            "set"            Write    WithGroup       Writer None        [Set]            execution  writes::set;
            SetEx          "setEx"          Write    WithGroup       Writer None        [Set]            execution  writes::set_ex;
            SetWith        "setWith"        Write    WithGroup       Writer None        [Set]            execution  writes::set_with;
            SetBytes       "setBytes"       Write    WithGroup       Writer None        [Set]            execution  writes::set_bytes;
            SetMany        "setMany"        Write    WithGroup       Writer None        [Commit]         execution  writes::set_many;
            Commit         "commit"         Write    WithGroup       Writer None        [Commit]         execution  writes::commit;
            Delete         "delete"         Write    WithGroup       Writer None        [Delete]         execution  writes::delete;
            DeleteRange    "deleteRange"    Write    WithGroup       Writer None        [DeleteRange]    execution  writes::delete_range;
            Expire         "expire"         Write    WithGroup       Writer None        [Expire]         execution  writes::expire;
            Persist        "persist"        Write    WithGroup       Writer None        [Persist]        execution  writes::persist;
            Increment      "increment"      Write    WithGroup       Writer None        [Increment]      execution  updates::increment;
            CompareAndSwap "compareAndSwap" Write    WithGroup       Writer None        [CompareAndSwap] execution  updates::compare_and_swap;
            GetAndSet      "getAndSet"      Write    WithGroup       Writer None        [GetAndSet]      execution  updates::get_and_set;
            Rename         "rename"         Write    WithGroup       Writer None        [Rename]         execution  updates::rename;
            Patch          "patch"          Write    WithGroup       Writer None        [Patch]          execution  updates::patch;
            MergePatch     "mergePatch"     Write    WithGroup       Writer None        [Patch]          execution  updates::merge_patch;
            Push           "push"           Write    WithGroup       Writer None        [Push]           execution  lists::push;
            Pop            "pop"            Write    WithGroup       Writer None        [Pop]            execution  lists::pop;
            Trim           "trim"           Write    WithGroup       Writer None        [Trim]           execution  lists::trim;
            ListSet        "listSet"        Write    WithGroup       Writer None        [SetElement]     execution  lists::set;

            CreateIndex    "createIndex"    Barrier  None            Writer None        [CreateIndex]    execution  barriers::create_index;
            DropIndex      "dropIndex"      Barrier  WithFirstCommit Writer None        [DropIndex]      execution  barriers::drop_index;
            DropCollection "dropCollection" Barrier  WithFirstCommit Writer None        [DropCollection] execution  barriers::drop_collection;
            Flush          "flush"          Barrier  None            Reader None        [Flush]          execution  barriers::flush;
            Compact        "compact"        Barrier  None            Writer None        [Compact]        execution  barriers::compact;
            RotateKey      "rotateKey"      Barrier  None            Writer None        [RotateKey]      execution  barriers::rotate_key;
            Cancel         "cancel"         Barrier  None            Reader None        []               execution  barriers::cancel;
            Check          "check"          Barrier  None            Reader None        [Check]          execution  barriers::check;

            ScanOpen       "scanOpen"       Barrier  None            Reader None        [ScanPage]       execution  opened::scan_open;
            ScanNext       "scanNext"       Barrier  None            Reader Scan        [ScanPage]       execution  opened::scan_next;
            ScanClose      "scanClose"      Read     None            Reader None        []               execution  opened::scan_close;
            SnapshotOpen   "snapshotOpen"   Barrier  None            Reader None        [Snapshot]       execution  opened::snapshot_open;
            // The call within it is counted as itself.
            SnapshotRead   "snapshotRead"   Read     None            Reader Snapshot    []               execution  opened::snapshot_read;
            SnapshotScan   "snapshotScan"   Barrier  None            Reader Snapshot    [ScanPage]       execution  opened::snapshot_scan;
            SnapshotClose  "snapshotClose"  Barrier  None            Reader None        []               execution  opened::snapshot_close;
            ExportBegin    "exportBegin"    Barrier  None            Reader None        [Export]         execution  opened::export_begin;
            ExportEnd      "exportEnd"      Read     None            Reader None        []               execution  opened::export_end;

            TxBegin        "txBegin"        Barrier  None            Reader None        [Transaction]    execution  opened::tx_begin;
            // The call within it is counted as itself.
            TxRead         "txRead"         Read     None            Reader Transaction []               execution  opened::tx_read;
            // `txCommit` writes what these collect.
            TxWrite        "txWrite"        Barrier  None            Reader Transaction []               execution  opened::tx_write;
            // A reader may commit a transaction that has only read.
            TxCommit       "txCommit"       Write    WithGroup       Writer Transaction [Commit]         execution  opened::tx_commit;
            TxRollback     "txRollback"     Barrier  None            Reader None        []               execution  opened::tx_rollback;

            WatchOpen      "watchOpen"      Barrier  None            Reader None        []               execution  opened::watch_open;
            WatchQuery     "watchQuery"     Barrier  None            Reader None        []               execution  opened::watch_query;
            WatchNext      "watchNext"      Barrier  None            Reader None        []               execution  opened::watch_next;
            WatchClose     "watchClose"     Barrier  None            Reader None        []               execution  opened::watch_close;

            BlobBegin      "blobBegin"      Barrier  None            Writer None        [SetStream]      execution  blobs::begin;
            BlobWrite      "blobWrite"      Barrier  None            Writer Upload      [SetStream]      execution  blobs::write;
            BlobFinish     "blobFinish"     OwnFlush WithGroup       Writer Upload      [SetStream]      execution  blobs::finish;
            BlobAbort      "blobAbort"      Barrier  None            Reader None        []               execution  blobs::abort;
            BlobOpen       "blobOpen"       Barrier  None            Reader None        [GetStream]      execution  blobs::open;
            BlobRead       "blobRead"       Barrier  None            Reader Download    [GetStream]      execution  blobs::read;
            BlobClose      "blobClose"      Barrier  None            Reader None        []               execution  blobs::close;

            // Requests beside the messages: they carry bytes or secrets.
            ChangeKey      "changeKey"      Barrier  None            Writer None        [ChangeKey]      request;
            ExportChunk    "exportChunk"    Read     None            Reader Export      [Export]         request;
        }
    };
}

pub(crate) use with_operations;

macro_rules! operation {
    ($($variant:ident $name:literal $grouping:ident $receipt:ident $access:ident $subject:ident [$($metric:ident)?]
        $on:ident $($module:ident::$handler:ident)?;)*) => {
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
                match self { $(Self::$variant => metric!($($metric)?),)* }
            }
        }
    };
}

#[cfg(test)]
macro_rules! metric {
    () => {
        None
    };
    ($metric:ident) => {
        Some(Metric::$metric)
    };
}

with_operations!(operation);
