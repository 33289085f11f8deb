// What a reader of the example's list sees from one picture to the next.

/** For so many pictures nothing moves in a list at rest: a third of a second, longer than between two steps. */
const STILL_FRAMES = 20;

/** Watches the list until `motion` is called. */
export function watchList(page) {
  return page.evaluate(() => {
    const scroller = document.querySelector('[role="log"]');
    const motion = { frames: 0, blank: 0, uneven: [], up: 0, down: 0, lost: 0, rows: 0 };
    window.motion = motion;
    const visible = () => {
      const list = scroller.getBoundingClientRect();
      const tops = new Map();
      for (const message of scroller.querySelectorAll("[data-message-id]")) {
        const { top, bottom } = message.getBoundingClientRect();
        if (bottom > list.top && top < list.bottom) tops.set(message.dataset.messageId, top);
      }
      return tops;
    };
    let before = visible();
    const { port1, port2 } = new MessageChannel();
    // After the picture was made: the list may still put things right before.
    port1.onmessage = () => {
      if (window.motion !== motion) return;
      const now = visible();
      motion.frames++;
      motion.rows = Math.max(motion.rows, scroller.querySelectorAll("li").length);
      if (now.size === 0) motion.blank++;
      const moves = [...now].filter(([id]) => before.has(id)).map(([id, top]) => top - before.get(id));
      if (moves.length === 0) motion.lost++;
      else {
        const [least, most] = [Math.min(...moves), Math.max(...moves)];
        if (most - least > 1) motion.uneven.push([least, most]);
        motion.up = Math.max(motion.up, -least);
        motion.down = Math.max(motion.down, most);
      }
      before = now;
      requestAnimationFrame(() => port2.postMessage(0));
    };
    requestAnimationFrame(() => port2.postMessage(0));
  });
}

/**
 * What was seen: `frames`, those without a message (`blank`) or without one in common with the frame before
 * (`lost`), those in which messages moved against each other (`uneven`), the farthest that content moved `up`
 * and `down` between two frames, and how many `rows` there were at most.
 */
export function motion(page) {
  return page.evaluate(() => {
    const { motion } = window;
    window.motion = undefined;
    return motion;
  });
}

/** The first message that begins in view, and where. */
export function firstInView(page) {
  return page.evaluate(() => {
    const { top } = document.querySelector('[role="log"]').getBoundingClientRect();
    const edge = (message) => message.getBoundingClientRect().top - top;
    const first = [...document.querySelectorAll("[data-message-id]")].find((message) => edge(message) >= 0);
    return { id: first.dataset.messageId, top: edge(first) };
  });
}

/** Waits until the list has stood still: keys scroll smoothly, and older pages may come above what is read. */
export function atRest(page) {
  return page.evaluate(
    (frames) =>
      new Promise((resolve) => {
        const scroller = document.querySelector('[role="log"]');
        let [still, before] = [0, ""];
        const look = () => {
          const now = `${scroller.scrollTop} ${scroller.scrollHeight}`;
          still = now === before ? still + 1 : 0;
          before = now;
          if (still === frames) resolve();
          else requestAnimationFrame(look);
        };
        look();
      }),
    STILL_FRAMES,
  );
}
