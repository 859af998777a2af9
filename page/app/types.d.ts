// The API's bodies as the page reads them, and what it works out from them. Times of a day are minutes since midnight, campus time.

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

/** `from` included, `until` not; `minutes` is its length as time passes, also on a day on which the clocks change. */
interface FreeTime { from: number; until: number; minutes: number }

/** The time asked for. `instant` is its start, in milliseconds since the epoch. */
interface Asked { from: number; to: number; instant: number }

/** What the page says of a room. */
interface Judgement {
  room: Room;
  building: Building;
  hours: Hours | null;
  /** All free times of the day. */
  times: FreeTime[];
  /** The free time that is meant: the one at the time asked for, or the longest of the day. */
  time?: FreeTime;
  /** How long the room is free from the time asked for. */
  minutes: number;
  /** Its next free time that is long enough. */
  next?: FreeTime;
  /** Whether it is free as asked. */
  free: boolean;
  /** Its place among all rooms, in the order that is asked for. */
  rank: number;
  /** Its place in the order in which rooms become free. */
  turn: number;
}

/** A building with its rooms, judged. */
interface Group { building: Building; free: Judgement[]; others: Judgement[] }

type Mode = 'now' | 'at' | 'range' | 'day';
type Sort = 'name' | 'duration' | 'soonest' | 'nearest' | 'capacity';

/** What is asked: the URL holds it. */
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

/** Chromium and Safari have trusted types; Firefox takes the text. */
declare var trustedTypes: undefined | {createPolicy(name: string, rules: {createScriptURL(text: string): string}): {createScriptURL(text: string): string}};
