/** A database that counts its watches: `opened` of them, and how many are not over. */
export function counted(db) {
  const counts = { opened: 0, open: 0 };
  const count = (watch) => {
    counts.opened++;
    counts.open++;
    let isOver = false;
    const end = () => {
      if (!isOver) counts.open--;
      isOver = true;
    };
    const { next, return: end_ } = watch;
    watch.return = () => (end(), end_.call(watch));
    watch.next = () => next.call(watch).then((result) => (result.done && end(), result), (error) => (end(), Promise.reject(error)));
    return watch;
  };
  const wrapped = new Proxy(db, {
    get(target, name) {
      const member = target[name];
      if (typeof member !== "function") return member;
      if (name === "watch" || name === "watchQuery") return (...args) => count(member.apply(target, args));
      return member.bind(target);
    },
  });
  return { db: wrapped, counts };
}
