import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Lazy } from "../components/common/Lazy.tsx";
import { type RoomHere, roomHere } from "../lib/session/home/room_here.ts";
import { storage } from "../lib/session/browser/page_storage.ts";
import Home from "./Home.tsx";

const loadRoom = () => import("./Room.tsx");

/**
 * Stands in for a page that is not kept on this device: the room itself, when the device knows it or has just scanned the
 * code of a phone that does; else the words that say so.
 */
export default function Offline() {
  const here = useSignal<RoomHere>();
  useEffect(() => {
    storage.rooms().catch(() => []).then((rooms) => here.value = roomHere(location, rooms));
  }, []);
  return here.value === undefined ? <Home listed={[]} instead /> : <Lazy load={loadRoom} props={here.value} />;
}
