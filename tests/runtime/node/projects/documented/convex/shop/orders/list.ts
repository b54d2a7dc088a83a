import { query } from "../../_generated/server";
import ingredients from "../ingredients.json";

export default query(async () => ingredients.map(({ name }) => name));
