export function PrintButton({ label, look }) {
  return (
    <button className={look} type="button" onClick={() => window.print()}>
      {label}
    </button>
  );
}
