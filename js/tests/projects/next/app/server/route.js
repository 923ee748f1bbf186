import { Ferrolite } from "ferrolite";

export const dynamic = "force-dynamic";

/** On the server the package is that for Node, also when it is bundled. */
export async function GET() {
  try {
    const db = await Ferrolite.open("server", { storage: "memory" });
    await db.set("a", 1);
    const a = await db.get("a");
    await db.close();
    return Response.json({ a });
  } catch (error) {
    return Response.json({ code: error.code, message: error.message });
  }
}
