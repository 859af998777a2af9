use super::*;

const NOVEMBER: std::ops::RangeInclusive<u32> = 2..=29;

fn date(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
}

/// Four weeks from Monday, 2026-11-02, with the closures of each day in hours.
fn month(closures: impl Fn(NaiveDate) -> Vec<(u16, u16)>) -> Bookings {
    let mut bookings = Bookings::default();
    for day in NOVEMBER.map(date) {
        bookings.add(day, [Booking { start: 600, end: 660 }]);
        let closed = closures(day).into_iter().map(|(from, to)| Booking { start: from * 60, end: to * 60 });
        bookings.add_closures(day, closed);
    }
    bookings
}

fn is_weekend(date: NaiveDate) -> bool {
    date.weekday().num_days_from_monday() > 4
}

fn shown(hours: &Hours) -> String {
    let span = |hours: &OpeningHours| format!("{}-{}", hours.opens(), hours.closes());
    let days =
        hours.days.iter().map(|(weekday, day)| format!("{weekday} {}", day.as_ref().map_or("closed".into(), span)));
    hours.usual.iter().map(span).chain(days).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_usual_week_is_what_closures_leave_open_in_most_weeks() {
    let usual = month(|date| match date.weekday() {
        Weekday::Sat => vec![(0, 8), (20, 24)],
        Weekday::Sun => vec![(0, 24)],
        // One evening is longer.
        _ if date.to_string() == "2026-11-04" => vec![(0, 7)],
        _ => vec![(0, 7), (12, 13), (22, 24)],
    });
    let plan = Plan::of(&[Some(usual)]);
    assert_eq!(shown(&plan.campus), "07:00-22:00, Sat 08:00-20:00, Sun closed");
    assert_eq!(plan.buildings, [BuildingHours::default()]);
    assert!(plan.closed.is_empty(), "{:?}", plan.closed);
}

#[test]
fn buildings_state_only_the_hours_that_differ_from_the_campus() {
    let most = || Some(month(|date| if is_weekend(date) { vec![(0, 24)] } else { vec![(0, 7), (22, 24)] }));
    let library = month(|_| vec![(0, 8), (23, 24)]);
    let closed = month(|_| vec![(0, 24)]);
    let lab = month(|date| match date.weekday() {
        Weekday::Sat => vec![(0, 9), (22, 24)],
        Weekday::Sun => vec![(0, 24)],
        _ => vec![(0, 7), (22, 24)],
    });
    let plan = Plan::of(&[most(), Some(library), most(), None, Some(closed), Some(lab)]);
    assert_eq!(shown(&plan.campus), "07:00-22:00, Sat closed, Sun closed");
    assert_eq!(shown(plan.buildings[1].own.as_ref().unwrap()), "08:00-23:00, Sat 08:00-23:00, Sun 08:00-23:00");
    assert_eq!(shown(plan.buildings[5].own.as_ref().unwrap()), "Sat 09:00-22:00");
    let checks: Vec<_> = plan.buildings.iter().map(|building| building.check.is_some()).collect();
    assert_eq!(checks, [false, false, false, true, true, false]);
}

#[test]
fn days_with_every_building_closed_are_holidays_if_the_weekday_is_otherwise_open() {
    let holidays = |date: NaiveDate| (25..=27).contains(&date.day());
    let room = || {
        Some(month(|date| match date.weekday() {
            Weekday::Sun => vec![(0, 24)],
            _ if holidays(date) => vec![(0, 24)],
            _ => vec![(0, 7), (22, 24)],
        }))
    };
    let plan = Plan::of(&[room(), room()]);
    assert_eq!(plan.closed, [date(25)..=date(27)]);
    assert_eq!(shown(&plan.campus), "07:00-22:00, Sun closed");
}

#[test]
fn a_break_of_most_of_the_month_counts_as_holidays_not_as_the_usual_week() {
    let plan =
        Plan::of(&[Some(month(
            |date| if date.day() > 8 || is_weekend(date) { vec![(0, 24)] } else { vec![(22, 24)] },
        ))]);
    assert_eq!(shown(&plan.campus), "00:00-22:00, Sat closed, Sun closed");
    assert_eq!(plan.closed, [date(9)..=date(13), date(16)..=date(20), date(23)..=date(27)]);
}

#[test]
fn hours_never_extend_beyond_what_25live_shows() {
    // Everything is clipped to 7 to 23. The second building closes late, and the third has no closures.
    let clipped = month(|_| vec![(7, 8), (22, 23)]);
    let plan =
        Plan::of(&[Some(clipped.clone()), Some(month(|_| vec![(7, 9)])), Some(month(|_| vec![])), Some(clipped)]);
    let hours: Vec<_> = plan.buildings.iter().map(|building| building.own.as_ref().map(shown)).collect();
    assert_eq!(shown(&plan.campus), "08:00-22:00");
    assert_eq!(hours, [None, Some("09:00-23:00".to_owned()), None, None]);
    assert!(plan.buildings[2].check.as_ref().unwrap().contains("no closures"));
}

#[test]
fn without_closures_the_default_hours_are_clipped_and_marked_for_review() {
    let mut bookings = month(|_| vec![]);
    bookings.add(date(3), [Booking { start: 480, end: 1260 }]);
    let plan = Plan::of(&[Some(bookings)]);
    assert_eq!(shown(&plan.campus), "08:00-21:00");
    assert!(plan.check.contains("no closures"));
    let nothing = Plan::of(&[None, Some(Bookings::default())]);
    assert_eq!((shown(&nothing.campus), nothing.buildings.len()), ("07:00-23:00".to_owned(), 2));
    assert_eq!(shown(&Plan::of(&[Some(month(|_| vec![(0, 24)]))]).campus), "07:00-23:00");
}

#[test]
fn a_few_bookings_do_not_limit_the_hours() {
    // Only 10 to 11, such as during a break.
    assert_eq!(shown(&Plan::of(&[Some(month(|_| vec![]))]).campus), "07:00-23:00");
    let open_late = Plan::of(&[Some(month(|_| vec![(0, 6)]))]);
    assert_eq!(shown(&open_late.campus), "06:00-23:00");
    assert!(open_late.check.contains("guests see 00:00 to 11:00"), "{}", open_late.check);
}

#[test]
fn the_grid_spans_the_earliest_start_to_the_latest_end() {
    let mut bookings = Bookings::default();
    assert_eq!(Grid::of([&bookings].into_iter()), None);
    bookings.add(
        date(3),
        [Booking { start: 1300, end: 1500 }, Booking { start: 30, end: 30 }, Booking { start: 1440, end: 1500 }],
    );
    bookings.add_closures(date(4), [Booking { start: 420, end: 480 }]);
    let grid = Grid::of([&bookings].into_iter()).unwrap();
    assert_eq!((grid.from.to_string(), grid.to.to_string()), ("07:00".into(), "24:00".into()));
}
