/** Changes the bytes of a database of this origin that is closed. */
export async function rewrite(name, change) {
  const directory = await (await navigator.storage.getDirectory()).getDirectoryHandle("ferrolite");
  const handle = await directory.getFileHandle(`${name}.ferrolite`);
  const bytes = change(new Uint8Array(await (await handle.getFile()).arrayBuffer()));
  const stream = await handle.createWritable();
  await stream.write(bytes);
  await stream.close();
}
