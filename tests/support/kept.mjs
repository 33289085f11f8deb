// What the outbox keeps in a page's IndexedDB.

/** Runs in the page: how many messages are kept, or whether they are so many. */
export async function countKept(expected) {
  const open = indexedDB.open("alo-chat");
  const database = await new Promise((resolve) => (open.onsuccess = () => resolve(open.result)));
  const isThere = database.objectStoreNames.contains("messages");
  const request = isThere && database.transaction("messages").objectStore("messages").count();
  const count = await new Promise((resolve) => (request ? (request.onsuccess = () => resolve(request.result)) : resolve(0)));
  database.close();
  return expected === undefined ? count : count === expected;
}
