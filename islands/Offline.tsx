import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Lazy } from "../components/common/Lazy.tsx";
import { type RoomHere, roomHere } from "../lib/session/home/room_here.ts";
import { storage } from "../lib/session/browser/page_storage.ts";
import Home from "./Home.tsx";

const loadRoom = () => import("./Room.tsx");

/**
 * Stands in for a page that this device does not have. It opens the room if the device knows it, or has just scanned the
 * code of a phone that does; otherwise it says that the page is missing.
 */
export default function Offline() {
  const here = useSignal<RoomHere>();
  useEffect(() => {
    storage.rooms().catch(() => []).then((rooms) => here.value = roomHere(location, rooms));
  }, []);
  return here.value === undefined ? <Home listed={[]} instead /> : <Lazy load={loadRoom} props={here.value} />;
}
