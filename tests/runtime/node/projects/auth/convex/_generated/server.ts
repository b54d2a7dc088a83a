export {
  actionGeneric as action,
  httpActionGeneric as httpAction,
  internalMutationGeneric as internalMutation,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
