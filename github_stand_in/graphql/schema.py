"""The part of GitHub's GraphQL schema that the stand-in answers."""

SCHEMA = """
scalar DateTime
scalar GitObjectID
scalar GitTimestamp
scalar URI

type Query {
  rateLimit(dryRun: Boolean = false): RateLimit
  repository(followRenames: Boolean = true, name: String!, owner: String!): Repository
  repositoryOwner(login: String!): RepositoryOwner
  user(login: String!): User
  viewer: User!
}
type RateLimit {
  cost: Int!
  limit: Int!
  nodeCount: Int!
  remaining: Int!
  resetAt: DateTime!
  used: Int!
}
type Repository {
  createdAt: DateTime!
  databaseId: Int
  defaultBranchRef: Ref
  id: ID!
  isArchived: Boolean!
  isEmpty: Boolean!
  isFork: Boolean!
  isPrivate: Boolean!
  name: String!
  nameWithOwner: String!
  object(expression: String, oid: GitObjectID): GitObject
  pushedAt: DateTime
  url: URI!
}
type Ref { id: ID! name: String! prefix: String! repository: Repository! target: GitObject }
interface GitObject { abbreviatedOid: String! id: ID! oid: GitObjectID! repository: Repository! }
type Tree implements GitObject { abbreviatedOid: String! id: ID! oid: GitObjectID! repository: Repository! }
type Blob implements GitObject { abbreviatedOid: String! id: ID! oid: GitObjectID! repository: Repository! }
type Tag implements GitObject { abbreviatedOid: String! id: ID! oid: GitObjectID! repository: Repository! }
type Commit implements GitObject {
  abbreviatedOid: String!
  author: GitActor
  authoredDate: DateTime!
  committedDate: DateTime!
  committer: GitActor
  history(after: String, first: Int, since: GitTimestamp, until: GitTimestamp): CommitHistoryConnection!
  id: ID!
  message: String!
  messageHeadline: String!
  oid: GitObjectID!
  repository: Repository!
}
type CommitHistoryConnection { edges: [CommitEdge] nodes: [Commit] pageInfo: PageInfo! totalCount: Int! }
type CommitEdge { cursor: String! node: Commit }
type PageInfo { endCursor: String hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String }
type GitActor { date: GitTimestamp email: String name: String user: User }
interface RepositoryOwner { id: ID! login: String! url: URI! }
type Organization implements RepositoryOwner {
  databaseId: Int
  email: String
  id: ID!
  login: String!
  name: String
  url: URI!
}
type User implements RepositoryOwner {
  databaseId: Int
  email: String!
  id: ID!
  login: String!
  name: String
  url: URI!
}
"""
