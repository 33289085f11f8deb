// The chat of a signed-in user, put together of its parts.

import { Blobs } from "../files/blobs.ts";
import { Conversation } from "../chat/conversation.ts";
import type { Access } from "../session.ts";
import { Store } from "../state/store.ts";
import { Announcer } from "./announcer.ts";
import { Composer } from "./composer.ts";
import { ConnectionView } from "./connection.ts";
import type { Context } from "./context.ts";
import { batched, h } from "./dom.ts";
import { Drawer } from "./drawer.ts";
import { DropZone } from "./dropzone.ts";
import { ChatHeader } from "./header.ts";
import { showImage } from "./image-dialog.ts";
import { MessageList } from "./message-list.ts";
import { Sidebar } from "./sidebar.ts";

export interface Chat {
  element: HTMLElement;
  focus(): void;
  close(): void;
}

export function openChat(access: Access, signOut: () => void): Chat {
  const gone = new AbortController();
  const { signal } = gone;
  const store = new Store(access.userId, access.channels);
  const conversation = new Conversation(access, store);
  const blobs = new Blobs(conversation);
  const announcer = new Announcer();
  const context: Context = {
    store,
    conversation,
    blobs,
    announce: announcer.say,
    reply: (entry) => composer.reply(entry),
    edit: (entry) => {
      conversation.discard(entry);
      composer.restore(entry);
    },
    jump: (messageId) => void list.jump(messageId),
    showImage: (blob, name, file) => showImage(blob, name, file, blobs),
  };

  /** Focuses the composer, except on touch screens, where it would open the keyboard. */
  const ready = () => {
    if (matchMedia("(hover: hover)").matches) composer.focus();
  };
  const list = new MessageList(context);
  const composer = new Composer(context);
  const connection = new ConnectionView(context);
  const drawer = new Drawer(signal);
  const opened = () => {
    // At once: what is typed now belongs to the channel that was opened.
    render();
    drawer.close();
    ready();
  };
  const leave = () => {
    if (!store.unsent || confirm("Some of your messages have not been sent. Sign out and lose them?")) signOut();
  };
  const sidebar = new Sidebar(context, opened, leave);
  const header = new ChatHeader(context, drawer, connection.light, signal);
  const dropZone = new DropZone(
    () => store.active.name,
    (files, folders) => {
      if (files.length > 0) composer.addFiles(files);
      if (folders > 0) announcer.say("Folders cannot be sent.");
    },
    signal,
  );

  const render = () => {
    if (signal.aborted) return;
    sidebar.render();
    header.render();
    connection.render();
    list.render();
    composer.render();
    const unread = store.channels.reduce((sum, channel) => sum + channel.unread, 0);
    document.title = `${unread > 0 ? `(${unread}) ` : ""}#${store.active.name} · alo`;
  };
  store.onChange(batched(render));
  document.addEventListener("visibilitychange", () => store.seen(), { signal });
  window.addEventListener(
    "beforeunload",
    (event) => {
      if (store.fleeting) event.preventDefault();
    },
    { signal },
  );
  render();
  void conversation.connect();

  const skip = h("a", { class: "skip", href: "#composer" }, "Skip to the message field");
  const main = h(
    "main",
    { class: "chat" },
    header.element,
    list.element,
    connection.banner,
    composer.element,
    dropZone.element,
  );
  drawer.attach(sidebar.element, main);
  return {
    element: h("div", { class: "app" }, skip, sidebar.element, drawer.backdrop, main, announcer.element),
    focus: ready,
    close: () => {
      gone.abort();
      connection.destroy();
      conversation.close();
    },
  };
}
