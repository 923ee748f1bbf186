//! What can be in a catalog, and what cannot.

use super::*;
use crate::documents::catalog::entries::{collection_key, part_offset_key, parts_key};

fn index(id: u32, state: IndexState) -> Index {
    Index { id, state, ..Index::sample(on(&["a"])) }
}

fn on(paths: &[&str]) -> Indexed {
    Indexed::new(paths, false, false).unwrap()
}

#[test]
fn ids_are_not_used_twice() {
    let (mut catalog, indexed) = (Catalog::default(), on(&["a"]));
    let first = catalog.add(CollectionId::DEFAULT, indexed.clone(), &mut Batch::new()).unwrap();
    catalog.remember(first.clone());
    catalog.forget(first.id);
    assert_eq!(catalog.add(CollectionId::DEFAULT, indexed.clone(), &mut Batch::new()).unwrap().id, first.id + 1);
    catalog.next_index_id = LAST_INDEX;
    let last = catalog.add(CollectionId::DEFAULT, indexed.clone(), &mut Batch::new()).unwrap();
    catalog.remember(last);
    assert!(catalog.add(CollectionId::DEFAULT, indexed, &mut Batch::new()).is_err());

    let first = catalog.add_collection("a", 0, &mut Batch::new()).unwrap();
    assert_eq!(first.id, CollectionId(2));
    catalog.remember_collection(first.clone());
    catalog.forget_collection(first.id);
    assert_eq!(catalog.add_collection("a", 0, &mut Batch::new()).unwrap().id, CollectionId(3));
    catalog.next_collection_id = u32::MAX;
    assert!(catalog.add_collection("a", 0, &mut Batch::new()).is_err());
}

#[test]
fn indexes_come_back_as_they_were_stored() {
    let building = IndexState::Building { after: Some("k".to_owned()) };
    for (paths, unique, multi, missing, expected) in [
        (&["a.b"][..], false, false, None, r#"{"path":"a.b","state":"ready"}"#),
        (&["a"], true, true, None, r#"{"path":"a","unique":true,"multi":true,"state":"ready"}"#),
        (&["a", "b"], true, false, None, r#"{"path":["a","b"],"unique":true,"state":"ready"}"#),
        (&["a"], false, false, Some(IndexState::Ready), r#"{"path":"a","state":"ready","missing":"ready"}"#),
        (&["a"], false, false, Some(building), r#"{"path":"a","state":"ready","missing":{"building":{"after":"k"}}}"#),
    ] {
        let indexed = Indexed::new(paths, unique, multi).unwrap();
        let stored = Index { indexed, missing, ..index(3, IndexState::Ready) };
        let mut batch = Batch::new();
        stored.store(&mut batch).unwrap();
        let (key, put) = batch.operations().next().unwrap();
        let (value, _) = put.unwrap();
        assert_eq!(std::str::from_utf8(value).unwrap(), expected);
        assert_eq!(Index::read(key, value), Some(stored.clone()));
    }
}

#[test]
fn dropping_indexes_are_not_maintained() {
    let mut catalog = Catalog::default();
    catalog.remember(index(1, IndexState::Dropping));
    let on = catalog.on(CollectionId::DEFAULT, &on(&["a"]).paths);
    assert_eq!((on, catalog.maintained(CollectionId::DEFAULT).count()), (None, 0));
    assert_eq!(catalog.dropping().unwrap().id, 1);
}

#[test]
fn a_dropped_name_is_free_again() {
    let mut catalog = Catalog::default();
    let first = catalog.add_collection("a", 0, &mut Batch::new()).unwrap();
    catalog.remember_collection(NamedCollection { is_dropping: true, ..first.clone() });
    assert_eq!((catalog.collection("a"), catalog.collection("")), (None, Some(CollectionId::DEFAULT)));
    let second = catalog.add_collection("a", 0, &mut Batch::new()).unwrap();
    catalog.remember_collection(second.clone());
    assert_eq!(catalog.collection("a"), Some(second.id));
    assert_eq!(catalog.dropping_collection().unwrap().id, first.id);
}

#[test]
fn what_cannot_be_a_catalog_is_refused() {
    let counter = |tag| [&CATALOG[..], &[tag]].concat();
    let good = br#"{"path":"a.b","state":{"building":{"after":"k"}}}"#;
    let read = |key: &[u8], value: &[u8]| {
        let mut catalog = Catalog::default();
        catalog.read(&counter(NEXT_INDEX_ID), &9u32.to_le_bytes()).unwrap();
        catalog.read(&counter(NEXT_COLLECTION_ID), &9u32.to_le_bytes()).unwrap();
        catalog.read(key, value).map(|()| catalog)
    };
    let index_key = |id| index(id, IndexState::Ready).key();
    let state = IndexState::Building { after: Some("k".to_owned()) };
    let expected = Index { indexed: on(&["a.b"]), ..index(3, state) };
    assert_eq!(read(&index_key(3), good).unwrap().indexes, [expected]);
    assert_eq!(read(&index_key(0), good), None);
    assert_eq!(read(&index_key(9), good), None);
    assert_eq!(read(&index_key(3), br#"{"path":"","state":"ready"}"#), None);
    assert_eq!(read(&index_key(3), br#"{"path":"a","state":"gone"}"#), None);
    assert_eq!(read(&index_key(3), br#"{"path":"a","state":"ready","odd":true}"#), None);
    assert_eq!(read(&index_key(3)[..12], good), None);
    for missing in [r#""dropping""#, r#""odd""#] {
        let text = format!(r#"{{"path":"a","state":"ready","missing":{missing}}}"#);
        assert_eq!(read(&index_key(3), text.as_bytes()), None, "{missing}");
    }
    assert_eq!(read(&index_key(3), br#"{"path":"a","multi":true,"state":"ready","missing":"ready"}"#), None);
    let several = br#"{"path":["a","b"],"unique":true,"state":"ready"}"#;
    let unique = Indexed { unique: true, ..on(&["a", "b"]) };
    assert_eq!(read(&index_key(3), several).unwrap().indexes[0].indexed, unique);
    assert_eq!(read(&index_key(3), br#"{"path":["a"],"state":"ready"}"#), None);
    assert_eq!(read(&index_key(3), br#"{"path":["a","a"],"state":"ready"}"#), None);
    assert_eq!(read(&index_key(3), br#"{"path":["a","b"],"multi":true,"state":"ready"}"#), None);
    assert_eq!(read(&counter(NEXT_INDEX_ID), b"1"), None);
    assert_eq!(read(&CATALOG, b""), None);
    assert_eq!(read(&counter(99), b""), None);

    let marked = read(&parts_key(CollectionId(3)), b"").unwrap();
    assert_eq!((marked.has_parts(CollectionId(3)), marked.has_parts(CollectionId(2))), (true, false));
    assert_eq!(read(&parts_key(CollectionId(3)), b"1"), None);
    assert_eq!(read(&parts_key(CollectionId(3))[..12], b""), None);
    assert_eq!(read(&part_offset_key(), &7u64.to_le_bytes()).unwrap().part_offset(), 7);
    assert_eq!(read(&part_offset_key(), &[7]), None);

    let named = |id| collection_key(CollectionId(id));
    assert_eq!(read(&named(2), br#"{"name":"a"}"#).unwrap().collection("a"), Some(CollectionId(2)));
    assert_eq!(read(&named(2), br#"{"name":"a","dropping":true}"#).unwrap().collection("a"), None);
    assert_eq!(read(&named(1), br#"{"name":"a"}"#), None);
    assert_eq!(read(&named(9), br#"{"name":"a"}"#), None);
    assert_eq!(read(&named(2), br#"{"name":""}"#), None);
    assert_eq!(read(&named(2)[..12], br#"{"name":"a"}"#), None);
    let mut twice = read(&named(2), br#"{"name":"a"}"#).unwrap();
    assert_eq!(twice.read(&named(3), br#"{"name":"a"}"#), None);
}
