/**
 * One open room as a page sees it: four small models of read-only signals and actions, and the operator's notices. Each page
 * makes its own and disposes it on unmount, so visitors never share one on the server.
 */
import type { ConnectionModel } from "./connection_model.ts";
import type { ConversationModel } from "./conversation_model.ts";
import type { FilesModel } from "./files_model.ts";
import type { NoticesModel } from "./notices_model.ts";
import type { PeopleModel } from "./people_model.ts";

export interface RoomModel {
  readonly conversation: ConversationModel;
  readonly people: PeopleModel;
  readonly connection: ConnectionModel;
  readonly notices: NoticesModel;
  /** Loads the code for files at the first call. Rejects when it cannot be loaded. */
  files(): Promise<FilesModel>;
  dispose(): void;
}
