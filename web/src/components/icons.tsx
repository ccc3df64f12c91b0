/** Line pictures; each stands beside or within something that names it. */
const PATHS = {
  plus: 'M12 5v14M5 12h14',
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6L6 18',
  pencil: 'M4 20l1-4L16.5 4.5a2.1 2.1 0 013 3L8 19l-4 1z',
  trash: 'M5 7h14M10 7V4.5h4V7M7 7l1 12.5h8L17 7M10.5 10.5v6M13.5 10.5v6',
  search: 'M11 18a7 7 0 100-14 7 7 0 000 14zM16 16l4.5 4.5',
  up: 'M12 19V5M6 11l6-6 6 6',
  down: 'M12 5v14M6 13l6 6 6-6',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  sun: 'M12 16a4 4 0 100-8 4 4 0 000 8zM12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1',
  moon: 'M20 14.5A8.5 8.5 0 119.5 4a7 7 0 0010.5 10.5z',
  half: 'M12 20.5a8.5 8.5 0 100-17 8.5 8.5 0 000 17zM12 3.5v17M12 8h7M12 12h8.5M12 16h7',
  image: 'M4 5h16v14H4zM4 16l4.5-4.5 4 4 3-3L20 17M15.5 9.5h.01',
  file: 'M6 3.5h8l4 4v13H6zM14 3.5v4h4',
  clock: 'M12 20.5a8.5 8.5 0 100-17 8.5 8.5 0 000 17zM12 7.5V12l3 2',
} as const;

export type IconName = keyof typeof PATHS | 'stop';

/** 中文, drawn: a system whose language is another may have no letters for it. */
export function ChineseIcon() {
  return (
    <svg className="icon wide" viewBox="0 0 46 24" aria-hidden="true">
      <path d="M3 8h16v7H3zM11 3v18M34 3v3M25 7.5h18M30 7.5c1.5 6 6 10.5 12 13M38.5 7.5c-1.5 6-6 10.5-12.5 13" />
    </svg>
  );
}

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      {name === 'stop' ? (
        <rect className="solid" x="5.5" y="5.5" width="13" height="13" rx="2.5" />
      ) : (
        <path d={PATHS[name]} />
      )}
    </svg>
  );
}
