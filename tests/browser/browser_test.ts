/** All browser tests: one file, so that one Chromium and one build serve them all. */
import "./joining_rules.ts";
import "./chatting_rules.ts";
import "./returning_rules.ts";
import "./network_rules.ts";
import "./endurance_rules.ts";
import "./storage_rules.ts";
import "./unread_rules.ts";
import "./long_room_rules.ts";
import "./sealed_rules.ts";
import "./home_rules.ts";
import "./page_rules.ts";
import "./offline_rules.ts";
import "./mesh_rules.ts";
import "./firefox_rules.ts";
import "./pairing_rules.ts";
import "./file_rules.ts";
import "./analytics_rules.ts";
