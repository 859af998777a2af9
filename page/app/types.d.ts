// The API's response bodies, and what the page computes from them. Times of day are minutes since midnight, campus time.

interface Slot { start_time: string; end_time: string }

interface Room {
  id: string;
  name: string;
  status: 'ok' | 'stale' | 'unknown';
  availability: Slot[];
  capacity?: number;
  features?: string[];
}

interface Building { code: string; name: string; classrooms: Room[]; opens?: string | null; closes?: string | null }

/** GET /api/open-classrooms. */
interface Answer {
  buildings: Record<string, Building>;
  last_updated: string;
  date: string;
  stale: boolean;
  simulated?: boolean;
}

interface BuildingFacts { code: string; name: string; opens: string | null; closes: string | null; location?: [number, number] }

/** GET /api/buildings. */
interface Campus {
  campus: string;
  timezone: string;
  utc_offsets: {from: string; minutes: number}[];
  contact?: string;
  buildings: BuildingFacts[];
}

/** GET /api/classrooms/{id}/days. */
interface RoomDays {
  id: string;
  name: string;
  building_code: string;
  days: {date: string; status: Room['status']; last_updated: string; opens: string | null; closes: string | null; availability: Slot[]}[];
}

interface Hours { opens: number; closes: number }

/** `from` is included, `until` is not. `minutes` is the elapsed time, even on a day on which the clocks change. */
interface FreeTime { from: number; until: number; minutes: number }

/** The time in the question. `instant` is its start, in milliseconds since the epoch. */
interface Asked { from: number; to: number; instant: number }

/** What the page shows about a room. */
interface Judgement {
  room: Room;
  building: Building;
  hours: Hours | null;
  /** All free times of the day. */
  times: FreeTime[];
  /** The free time at the time in the question, or the longest one of the day. */
  time?: FreeTime;
  /** How long the room is free, from the time in the question. */
  minutes: number;
  /** Its next free time that is long enough. */
  next?: FreeTime;
  /** Whether it is free and matches the question. */
  free: boolean;
  /** Its position among all rooms in the selected sort order. */
  rank: number;
  /** Its position in the order in which rooms become free. */
  turn: number;
}

/** A building with its rooms, judged. */
interface Group { building: Building; free: Judgement[]; others: Judgement[] }

type Mode = 'now' | 'at' | 'range' | 'day';
type Sort = 'name' | 'duration' | 'soonest' | 'nearest' | 'capacity';

/** What the user asks for. The URL holds it. */
interface Question {
  /** The id of the room whose page is shown; '' for the list. */
  room: string;
  q: string;
  date: string;
  mode: Mode;
  at: string;
  from: string;
  to: string;
  min: number;
  sort: Sort;
  buildings: string[];
  capacity: number;
  features: string[];
}

/** Chromium and Safari have Trusted Types; Firefox accepts a string. */
declare var trustedTypes: undefined | {createPolicy(name: string, rules: {createScriptURL(text: string): string}): {createScriptURL(text: string): string}};
