import { Found } from "./found.jsx";

export default function Page() {
  return <Found />;
}
